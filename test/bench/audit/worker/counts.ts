import type { Counts } from '../model.ts';

const none = (): Counts => ({ archiveMessages: 0, deliveryMessages: 0, puts: 0, ledgerRowsWritten: 0 });

class Counting {
  #counts = none();

  add(what: keyof Counts, by: number): void {
    this.#counts[what] += by;
  }

  /** and begins anew */
  take(): Counts {
    const taken = this.#counts;
    this.#counts = none();
    return taken;
  }
}

export const counts = new Counting();

export function countedBucket(bucket: R2Bucket): R2Bucket {
  return new Proxy(bucket, {
    get(target, name) {
      if (name === 'put') counts.add('puts', 1);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const COUNTED = Symbol('counted');

/** Counts the rows that each statement of any object has written, as soon as the next one is run. */
export function countRows(sql: SqlStorage): void {
  const prototype = Object.getPrototypeOf(sql) as SqlStorage & { [COUNTED]?: true };
  if (prototype[COUNTED]) return;
  prototype[COUNTED] = true;
  const exec = prototype.exec;
  let last: { rowsWritten: number } | null = null;
  prototype.exec = function (this: SqlStorage, ...args: Parameters<SqlStorage['exec']>) {
    if (last) counts.add('ledgerRowsWritten', last.rowsWritten);
    const cursor = exec.apply(this, args);
    last = cursor;
    return cursor;
  } as SqlStorage['exec'];
}
