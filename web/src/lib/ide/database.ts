/** IndexedDB as promises: what this browser keeps of the IDE. */

/** Opens a database of one store, and makes it where it is not there. */
export function openDatabase(factory: IDBFactory, name: string, store: string): Promise<IDBDatabase> {
  const request = factory.open(name, 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(store));
  return settled(request);
}

export function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB refused')));
  });
}

/** Empties a store. Never rejects: where there is no place to keep things, none are left behind. */
export async function emptyStore(factory: IDBFactory, name: string, store: string): Promise<void> {
  try {
    const database = await openDatabase(factory, name, store);
    await settled(database.transaction(store, 'readwrite').objectStore(store).clear());
    database.close();
  } catch {
    // nothing is there
  }
}
