const LONGEST = 40;

/** The wanted name, or with the next free number behind it. */
export function freeName(wanted: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? '' : `-${number}`;
    const name = wanted.slice(0, LONGEST - suffix.length).replace(/-+$/, '') + suffix;
    if (!taken.includes(name)) return name;
  }
}
