/** Before a call did anything, or after all of it was done and the answer was lost. */
export type When = 'before' | 'after';

/** Breaks the calls of one name, so many times, -1: until it is disarmed. All others go through. */
export class Fuse {
  #point = '';
  #when: When = 'before';
  #left = 0;
  #break: (point: string) => Promise<void> = breaks;
  /** how often it blew */
  blown = 0;

  /** @param does what happens instead of an error */
  arm(point: string, when: When, times: number, does: (point: string) => Promise<void> = breaks): void {
    [this.#point, this.#when, this.#left, this.#break] = [point, when, times, does];
  }

  disarm(): void {
    this.#left = 0;
  }

  /** Whether that is to go wrong now, which is one time less. */
  blows(point: string, when: When = 'before'): boolean {
    if (this.#left === 0 || point !== this.#point || when !== this.#when) return false;
    if (this.#left > 0) this.#left--;
    this.blown++;
    return true;
  }

  async around<T>(point: string, work: () => Promise<T>): Promise<T> {
    if (this.blows(point, 'before')) await this.#break(point);
    const answer = await work();
    if (this.blows(point, 'after')) await this.#break(point);
    return answer;
  }

  /** The same object, whose calls may break: each is named by its method, or as `nameOf` says. */
  breakable<T extends object>(target: T, nameOf: (method: string, args: readonly unknown[]) => string): T {
    return new Proxy(target, {
      get: (inner, key) => {
        const method: unknown = Reflect.get(inner, key);
        if (typeof method !== 'function' || typeof key !== 'string') return method;
        return (...args: unknown[]) => {
          const call = () => Reflect.apply(method, inner, args) as Promise<unknown>;
          const point = nameOf(key, args);
          return point === '' ? call() : this.around(point, call);
        };
      },
    });
  }
}

const breaks = (point: string): Promise<never> => Promise.reject(new Error(`${point} broke`));
