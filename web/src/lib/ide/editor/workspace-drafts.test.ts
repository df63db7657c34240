import { beforeEach, expect, it } from 'vitest';
import { StreamError } from '../connection/stream-error.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { Draft, DraftStore } from './drafts.ts';
import { decodeText } from './text-file.ts';
import { WorkspaceDrafts } from './workspace-drafts.ts';

const entry = { name: 'a', kind: 'file' as const, size: 1, modified: 0 };
const missing = () => Promise.reject(new StreamError('not-found', 'Nothing is there'));

class Drawer implements DraftStore {
  readonly kept = new Map<string, Draft>();
  get = (path: string) => Promise.resolve(this.kept.get(path) ?? null);
  put = async (draft: Draft) => void this.kept.set(draft.path, draft);
  remove = async (path: string) => void this.kept.delete(path);
  paths = () => Promise.resolve([...this.kept.keys()]);
}

let disk: Map<string, Uint8Array<ArrayBuffer>>;
let clock: ManualClock;
let drives: boolean;

const device = (): WorkspaceDrafts =>
  new WorkspaceDrafts(new Drawer(), {
    clock,
    userId: 'ada',
    mayChange: () => drives,
    files: {
      list: (folder) => {
        const names = [...disk.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
        return names.length === 0 ? missing() : Promise.resolve({ entries: names.map((name) => ({ ...entry, name })), truncated: false });
      },
      readSome: (path) => {
        const bytes = disk.get(path);
        return bytes === undefined ? missing() : Promise.resolve({ entry, bytes, complete: true });
      },
      write: (path, content) => {
        disk.set(path, content as Uint8Array<ArrayBuffer>);
        return Promise.resolve({ ok: true, entry, etag: 'v' });
      },
      remove: async (path) => void disk.delete(path),
      makeDirectory: () => Promise.resolve(),
    },
  });
const work = (text: string, time = 1): Draft => ({ path: 'src/a b.ts', text, etag: 'v1', time });
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
};

beforeEach(() => {
  disk = new Map();
  clock = new ManualClock();
  drives = true;
});

it('unsaved work is found on another device, and git leaves it out', async () => {
  await device().put(work('lost device'));
  clock.advance(5_000);
  await settle();
  const other = device();
  expect(await other.paths()).toEqual(['src/a b.ts']);
  expect((await other.get('src/a b.ts'))?.text).toBe('lost device');
  expect(decodeText(disk.get('.gatehouse/.gitignore') ?? new Uint8Array())?.text).toBe('*\n');
});

it('the newer of two is offered', async () => {
  await device().put(work('older', 1));
  clock.advance(5_000);
  await settle();
  const other = device();
  await other.put(work('newer', 2));
  expect((await other.get('src/a b.ts'))?.text).toBe('newer');
});

it('goes everywhere once the file is saved', async () => {
  const drafts = device();
  await drafts.put(work('mine'));
  clock.advance(5_000);
  await settle();
  await drafts.remove('src/a b.ts');
  expect([...disk.keys()]).toEqual(['.gatehouse/.gitignore']);
  expect(await drafts.get('src/a b.ts')).toBeNull();
});

it('is written by nobody who only watches, nor when it is too large', async () => {
  drives = false;
  await device().put(work('mine'));
  clock.advance(5_000);
  await settle();
  drives = true;
  await device().put(work('x'.repeat(2_000_000)));
  clock.advance(5_000);
  await settle();
  expect([...disk.keys()]).toEqual([]);
});
