import { beforeEach, describe, expect, it } from 'vitest';
import File from '@lucide/svelte/icons/file';
import { StreamError } from '../connection/stream-error.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { Documents } from './documents.svelte.ts';
import type { DraftStore } from './drafts.ts';
import { encodeText } from './text-file.ts';
import { Workbench } from './workbench.svelte.ts';

let kept: string[];
let previews: boolean;
let documents: Documents;
let bench: Workbench;

const drafts: DraftStore = {
  get: () => Promise.resolve(null),
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  paths: () => Promise.resolve(kept),
};
const entry = { name: 'a', kind: 'file' as const, size: 1, modified: 0 };
const files: Pick<RemoteFiles, 'read' | 'stat' | 'write'> = {
  read: () => Promise.resolve({ entry, etag: 'v1', bytes: encodeText('a'), why: null }),
  stat: () => Promise.reject(new StreamError('not-found', 'Nothing is there')),
  write: () => Promise.reject(new StreamError('not-found', 'Nothing is there')),
};

beforeEach(() => {
  kept = [];
  previews = true;
  documents = new Documents(files as RemoteFiles, drafts);
  bench = new Workbench(documents, () => previews);
});

/** What stands where: columns of groups of tabs; the one in sight has a star, a preview stands in brackets. */
const layout = () =>
  bench.columns.map((groups) =>
    groups.map(({ tabs, active }) =>
      tabs.map((tab) => (tab.preview ? `(${tab.title})` : tab.title) + (tab === active ? '*' : '')).join(' '),
    ),
  );
const view = (id: string, memo?: unknown) => ({
  id,
  kind: 'log',
  title: id,
  icon: File,
  load: () => Promise.reject(new Error('not shown here')),
  props: { of: id },
  memo,
});

describe('tabs that are only looked at', () => {
  it('give way to the next', () => {
    bench.showFile('a.ts', { preview: true });
    bench.showFile('b.ts', { preview: true });
    expect(layout()).toEqual([['(b.ts)*']]);
    expect(documents.all.map(({ path }) => path)).toEqual(['b.ts']);
  });

  it('stay once they are kept, edited or opened to stay', () => {
    bench.keep(bench.showFile('a.ts', { preview: true }));
    bench.showFile('b.ts', { preview: true });
    bench.showFile('b.ts');
    bench.showFile('c.ts', { preview: true });
    expect(layout()).toEqual([['a.ts b.ts (c.ts)*']]);
  });

  it('are tabs like others for whoever wants that', () => {
    previews = false;
    bench.showFile('a.ts', { preview: true });
    bench.showFile('b.ts', { preview: true });
    expect(layout()).toEqual([['a.ts b.ts*']]);
  });
});

describe('groups', () => {
  it('are split to the right and below, with the same file in both', () => {
    bench.showFile('a.ts');
    bench.split('right');
    bench.split('below');
    expect(layout()).toEqual([['a.ts*'], ['a.ts*', 'a.ts*']]);
    expect(documents.all).toHaveLength(1);
  });

  it('go with their last tab, and its file with the last tab of it', () => {
    bench.showFile('a.ts');
    const right = bench.split('right');
    const [tab] = right?.tabs ?? [];
    if (right === null || tab === undefined) throw new Error('was not split');
    bench.close(tab, right);
    expect(layout()).toEqual([['a.ts*']]);
    expect(documents.find('a.ts')).toBeDefined();
    const [last] = bench.group.tabs;
    if (last !== undefined) bench.close(last, bench.group);
    expect(layout()).toEqual([['']]);
    expect(documents.all).toEqual([]);
  });

  it('hand tabs on: past the last into a new one, and back', () => {
    bench.showFile('a.ts');
    bench.showFile('b.ts');
    bench.moveOn(1);
    expect(layout()).toEqual([['a.ts*'], ['b.ts*']]);
    bench.moveOn(-1);
    expect(layout()).toEqual([['a.ts b.ts*']]);
  });

  it('are not more than a screen has room for', () => {
    bench.showFile('a.ts');
    for (let count = 0; count < 20; count++) bench.split('right');
    expect(bench.groups).toHaveLength(8);
  });
});

describe('views', () => {
  it('have one tab in a group, which shows what was asked for last', () => {
    bench.showView(view('log'));
    bench.showView({ ...view('log'), title: 'Log of b' });
    expect(layout()).toEqual([['Log of b*']]);
  });

  it('stand beside a file, where the keyboard stays', () => {
    bench.showFile('a.md');
    const { group } = bench;
    bench.showView(view('preview'), { group: bench.beside() });
    expect(layout()).toEqual([['a.md*'], ['preview*']]);
    bench.activate(group);
    expect(documents.active?.path).toBe('a.md');
  });
});

describe('after a reload', () => {
  it('everything stands where it stood, but views that can’t be made again', async () => {
    bench.showFile('a.ts');
    bench.showFile('b.ts', { preview: true });
    bench.split('right', bench.group, bench.group.tabs[0]);
    bench.showView(view('kept', 'kept'));
    bench.showView(view('lost'));
    const before = JSON.parse(JSON.stringify(bench.remember()));
    const next = new Workbench(new Documents(files as RemoteFiles, drafts), () => true);
    next.revivals['log'] = (memo) => view(String(memo));
    await next.restore(before);
    bench = next;
    expect(layout()).toEqual([['a.ts (b.ts)*'], ['a.ts* kept']]);
    expect(next.groups.indexOf(next.group)).toBe(1);
  });

  it('files with unsaved work have a tab, too', async () => {
    kept = ['c.ts', 'a.ts'];
    await bench.restore({ columns: [[{ tabs: [{ kind: 'file', path: 'a.ts', preview: false }], active: 0 }]], group: 0 });
    expect(layout()).toEqual([['a.ts* c.ts']]);
  });
});
