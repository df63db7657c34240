/** Paths inside a workspace: relative to its root, "/" between names, "" is the root. */

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const join = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`);

/** Whether `path` is `directory` or lies somewhere below it. */
export const isWithin = (path: string, directory: string): boolean =>
  directory === '' || path === directory || path.startsWith(`${directory}/`);

/** Where `path` is after `from` became `to`. */
export const moved = (path: string, from: string, to: string): string => (isWithin(path, from) ? to + path.slice(from.length) : path);

/** Each once, in the order in which they first came. */
export const unique = (paths: Iterable<string>): string[] => [...new Set(paths)];

/** What is wrong with a name that somebody typed; null when it may be used. Slashes make folders on the way. */
export function nameProblem(name: string, siblings: readonly string[]): string | null {
  const parts = name.split('/');
  if (name.trim() === '') return 'Type a name';
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'Names can’t be empty, “.” or “..”';
  if (name.includes('\0') || new TextEncoder().encode(name).byteLength > 255) return 'Names have at most 255 bytes';
  if (siblings.includes(name)) return `“${name}” is already here`;
  return null;
}

/** Without those that lie in another of them. */
export const outermost = (paths: Iterable<string>): string[] => {
  const all = unique(paths);
  return all.filter((path) => !all.some((other) => other !== path && isWithin(path, other)));
};

/** A name beside others: "notes.md" becomes "notes 2.md". */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const dot = name.lastIndexOf('.');
  const [stem, end] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let count = 2; ; count += 1) {
    const free = `${stem} ${count}${end}`;
    if (!taken.has(free)) return free;
  }
}

/** What to say of a name that is fine here, but not everywhere; null: nothing. */
export function nameHint(name: string, siblings: readonly string[]): string | null {
  const like = siblings.find((other) => other !== name && other.toLowerCase() === name.toLowerCase());
  return like === undefined ? null : `“${like}” is here, too: Windows and macOS take the two for one`;
}
