import { z } from 'zod';
import { emptyStore, openDatabase, settled } from '../database.ts';

/** Unsaved work of one file. */
export const draft = z.object({
  path: z.string(),
  text: z.string(),
  /** of the version it started from; null: the file was not there */
  etag: z.string().nullable(),
  /** milliseconds since the epoch */
  time: z.number(),
});
export type Draft = z.infer<typeof draft>;

/** Where unsaved work of one workspace is kept through reload and crash. Never rejects: it is a safety net. */
export interface DraftStore {
  get(path: string): Promise<Draft | null>;
  put(draft: Draft): Promise<void>;
  remove(path: string): Promise<void>;
  paths(): Promise<string[]>;
}

const DATABASE = 'gatehouse-ide';
const STORE = 'drafts';

/** Drafts in this browser's IndexedDB. @param scope person and workspace: others never see them */
export function draftsIn(factory: IDBFactory, scope: string): DraftStore {
  const key = (path: string): [string, string] => [scope, path];
  const open = once(() => openDatabase(factory, DATABASE, STORE));
  async function run<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
    try {
      const database = await open();
      return await settled(ask(database.transaction(STORE, mode).objectStore(STORE)));
    } catch {
      // private windows and full disks have no place for drafts; the page warns before it is left instead
      return undefined;
    }
  }
  return {
    get: async (path) => draft.safeParse(await run('readonly', (store) => store.get(key(path)))).data ?? null,
    put: async (value) => void (await run('readwrite', (store) => store.put(value, key(value.path)))),
    remove: async (path) => void (await run('readwrite', (store) => store.delete(key(path)))),
    paths: async () => {
      const keys = await run('readonly', (store) => store.getAllKeys(IDBKeyRange.bound([scope], [scope, []])));
      return z
        .array(z.tuple([z.string(), z.string()]))
        .parse(keys ?? [])
        .map(([, path]) => path);
    },
  };
}

/** Removes everybody's drafts from this browser. Never rejects. */
export const forgetDrafts = (factory: IDBFactory): Promise<void> => emptyStore(factory, DATABASE, STORE);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
