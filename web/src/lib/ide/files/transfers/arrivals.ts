/** what comes within that time is told together */
const TOGETHER_MS = 200;

/** Paths at which something has come, told together. */
export class Arrivals {
  readonly #tell: (paths: string[]) => void;
  #paths = new Set<string>();

  constructor(tell: (paths: string[]) => void) {
    this.#tell = tell;
  }

  add(path: string): void {
    if (this.#paths.size === 0) setTimeout(() => this.#flush(), TOGETHER_MS);
    this.#paths.add(path);
  }

  #flush(): void {
    const paths = [...this.#paths];
    this.#paths = new Set();
    this.#tell(paths);
  }
}
