/**
 * The database, but each trip to it first goes through `before`, which may count it, wait, or throw.
 * @param before gets the number of the trip, from 1 on
 */
export function watchedD1(d1: D1Database, before: (trip: number) => void | Promise<void>): D1Database {
  let trips = 0;
  const trip = async <T>(work: () => Promise<T>): Promise<T> => {
    await before(++trips);
    return work();
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
