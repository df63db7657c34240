/** what is looked back on */
const SPAN_MS = 5000;
const LOOK_MS = 250;

/** How fast bytes go, over the last seconds. */
export class Speed {
  #samples: { at: number; bytes: number }[] = [];

  /** @param bytes so far @returns bytes a second; null: too early to say */
  note(bytes: number, now: number): number | null {
    const last = this.#samples.at(-1);
    if (last === undefined || now - last.at >= LOOK_MS) this.#samples.push({ at: now, bytes });
    this.#samples = this.#samples.filter(({ at }) => now - at <= SPAN_MS);
    const [first] = this.#samples;
    if (first === undefined || now - first.at < LOOK_MS) return null;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (now - first.at));
  }

  /** After a pause the past says nothing. */
  forget(): void {
    this.#samples = [];
  }
}
