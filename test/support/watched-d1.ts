/**
 * The database, but each trip to it first goes through `before`, which may count it, wait, or throw.
 * @param before gets the number of the trip, from 1 on
 * @param after gets what D1 tells of the trip's statements, once it is done
 */
export function watchedD1(
  d1: D1Database,
  before: (trip: number) => void | Promise<void>,
  after: (told: D1Meta[]) => void = () => undefined,
): D1Database {
  let trips = 0;
  const trip = async <T>(work: () => Promise<T>): Promise<T> => {
    await before(++trips);
    const answer = await work();
    after([answer].flat().flatMap((each) => (isTold(each) ? [each.meta] : [])));
    return answer;
  };
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const watched = (statement: D1PreparedStatement): D1PreparedStatement => {
    const outer = new Proxy(statement, {
      get(target, key) {
        if (key === 'bind') return (...values: unknown[]) => watched(target.bind(...values));
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...values: unknown[]) => trip(() => Reflect.apply(value, target, values) as Promise<unknown>);
      },
    });
    inner.set(outer, statement);
    return outer;
  };
  return new Proxy(d1, {
    get(target, key) {
      if (key === 'prepare') return (sql: string) => watched(target.prepare(sql));
      if (key === 'batch')
        return (statements: D1PreparedStatement[]) => trip(() => target.batch(statements.map((each) => inner.get(each) ?? each)));
      return Reflect.get(target, key);
    },
  });
}

const isTold = (answer: unknown): answer is { meta: D1Meta } => typeof answer === 'object' && answer !== null && 'meta' in answer;
