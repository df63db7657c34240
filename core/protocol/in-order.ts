export type MaybePromise<T> = T | Promise<T>;

/** Goes on with the value: at once if it is there, else when it comes. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** null: it failed */
type Outcome<T> = { value: T } | null;

function attempt<T>(operation: () => MaybePromise<T>): MaybePromise<Outcome<T>> {
  const succeeded = (value: T): Outcome<T> => ({ value });
  try {
    const result = operation();
    return result instanceof Promise ? result.then(succeeded, () => null) : succeeded(result);
  } catch {
    return null;
  }
}

/**
 * Starts operations at once and delivers their results in the order of their start: without waiting when the result
 * is there and none before it is awaited. After the first failure it calls `broken` once and delivers nothing more.
 */
export class InOrder<T> {
  readonly #deliver: (value: T) => void;
  readonly #broken: () => void;
  #isBroken = false;
  /** operations that are awaited, the oldest first; undefined: still running */
  #awaited: { outcome: Outcome<T> | undefined }[] = [];

  /** Neither function may throw. */
  constructor(deliver: (value: T) => void, broken: () => void) {
    this.#deliver = deliver;
    this.#broken = broken;
  }

  start(operation: () => MaybePromise<T>): void {
    if (this.#isBroken) return;
    const outcome = attempt(operation);
    if (!(outcome instanceof Promise) && this.#awaited.length === 0) return this.#finish(outcome);
    const place: { outcome: Outcome<T> | undefined } = { outcome: undefined };
    this.#awaited.push(place);
    void andThen(outcome, (settled) => {
      place.outcome = settled;
      this.#finishReady();
    });
  }

  #finishReady(): void {
    for (let first = this.#awaited[0]; first?.outcome !== undefined; first = this.#awaited[0]) {
      this.#awaited.shift();
      this.#finish(first.outcome);
    }
  }

  #finish(outcome: Outcome<T>): void {
    if (outcome !== null) return this.#deliver(outcome.value);
    this.#isBroken = true;
    this.#awaited = [];
    this.#broken();
  }
}
