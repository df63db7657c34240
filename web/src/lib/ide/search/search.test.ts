import type { SearchHit, TextQuery } from '@gatehouse/core/protocol/search.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamError } from '../connection/stream-error.ts';
import { Bench } from '../testing/connected.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { goalOf, PathFinder } from './match-paths.ts';
import { QuickOpen } from './quick-open.svelte.ts';
import { RemoteSearch, type SearchEvents } from './remote-search.ts';
import { becomes, piecesOf, replaceIn } from './replace.ts';
import { Replacer } from './replacer.ts';
import { globsOf, TextSearch } from './text-search.svelte.ts';

const QUERY: TextQuery = { query: 'total', regex: false, matchCase: false, wholeWord: false, include: [], exclude: [] };
const hit = (path: string, line: number, text: string, ...ranges: Array<[number, number]>): SearchHit => ({
  path,
  line,
  text,
  before: 0,
  ranges,
});
const jsonLines = (...lines: unknown[]) => new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));

describe('a search over the connection', () => {
  it('gives lines as they come, wherever frames are cut, and ends', async () => {
    const bench = new Bench();
    await bench.connect();
    const { link } = bench.runner;
    const log: unknown[] = [];
    new RemoteSearch(bench.connection).text(QUERY, {
      found: (hits) => log.push(...hits.map(({ text }) => text)),
      finished: (truncated) => log.push(truncated),
      failed: ({ message }) => log.push(message),
    });
    const bytes = jsonLines(hit('a', 1, 'tötal', [0, 5]), hit('a', 2, 'total', [0, 5]), { end: true, truncated: true });
    link.send('head', 1, 0, { ok: true });
    for (const [from, to] of [
      [0, 50],
      [50, 90],
      [90, bytes.byteLength],
    ] as const)
      link.send('data', 1, from, bytes.slice(from, to));
    link.send('fin', 1, bytes.byteLength, new Uint8Array(0));
    expect(log).toEqual(['tötal', 'total', true]);
  });

  it('is ended by whoever asked', async () => {
    const bench = new Bench();
    await bench.connect();
    const cancel = new RemoteSearch(bench.connection).files({ found: () => undefined, finished: () => undefined, failed: () => undefined });
    cancel();
    expect(bench.runner.link.of(1, 'reset')).toHaveLength(1);
  });
});

describe('what is looked for', () => {
  let clock: ManualClock;
  let asked: Array<{ query: TextQuery; events: SearchEvents<SearchHit>; cancelled: boolean }>;
  let search: TextSearch;
  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
    const text = (query: TextQuery, events: SearchEvents<SearchHit>) => {
      const one = { query, events, cancelled: false };
      asked.push(one);
      return () => void (one.cancelled = true);
    };
    search = new TextSearch({ text }, clock);
  });

  it('is asked for a moment after the last key, and what was under way ends', () => {
    search.query = 'to';
    search.edited();
    clock.advance(200);
    search.query = 'total';
    search.include = '*.ts, src/ ,';
    search.edited();
    clock.advance(249);
    expect(asked).toEqual([]);
    clock.advance(1);
    expect(asked.map(({ query }) => query)).toEqual([{ ...QUERY, include: ['*.ts', 'src/**'] }]);
    search.run();
    expect(asked.map(({ cancelled }) => cancelled)).toEqual([true, false]);
  });

  it('is found file by file, in order, whatever thread was first', () => {
    search.query = 'total';
    search.run();
    const [first] = asked;
    first?.events.found([hit('b.ts', 3, 'total total', [0, 5], [6, 11])]);
    first?.events.found([hit('a.ts', 1, 'total', [0, 5]), hit('b.ts', 1, 'total', [0, 5])]);
    expect(search.files.map(({ path, hits }) => [path, ...hits.map(({ line }) => line)])).toEqual([
      ['a.ts', 1],
      ['b.ts', 1, 3],
    ]);
    expect(search.total).toBe(4);
    first?.events.finished(true);
    expect([search.running, search.truncated]).toEqual([false, true]);
  });

  it('says why it can’t be looked for, and shows nothing old', () => {
    search.query = '(';
    search.run();
    asked[0]?.events.found([hit('a.ts', 1, 'total', [0, 5])]);
    asked[0]?.events.failed(new StreamError('invalid', 'unclosed group'));
    expect([search.error, search.files, search.running]).toEqual(['unclosed group', [], false]);
    search.query = '';
    search.run();
    expect([search.error, search.asked]).toEqual([null, null]);
  });

  it('takes folders and globs between commas', () => {
    expect(globsOf(' *.ts,src/, ,docs/**')).toEqual(['*.ts', 'src/**', 'docs/**']);
  });
});

describe('a replacement', () => {
  it.each([
    ['total', {}, 'Total', 'sum', 'sum'],
    ['total', { matchCase: true }, 'Total', 'sum', null],
    ['total', {}, 'total', '$1', '$1'],
    ['(\\w+)-(\\w+)', { regex: true }, 'left-right', '$2-$1', 'right-left'],
    ['(?P<name>a)', { regex: true }, 'a', 'b', null],
  ])('of %s %o makes of “%s” by “%s”: %s', (query, options, found, replacement, result) => {
    const regexOptions: TextQuery = { ...QUERY, query, ...options };
    expect(becomes(found, regexOptions, replacement)).toBe(result);
  });

  it('shows each line as it is and as it will be', () => {
    expect(piecesOf(hit('a', 1, 'a total b', [2, 7]), QUERY, 'sum')).toEqual([
      { text: 'a ', becomes: null, found: false },
      { text: 'total', becomes: 'sum', found: true },
      { text: ' b', becomes: null, found: false },
    ]);
  });

  it('changes what stands as it was found, every find of a line, and leaves the rest', () => {
    const content = 'total = total\r\nchanged\r\n  total\r\n';
    const hits = [hit('a', 1, 'total = total', [0, 5], [8, 13]), hit('a', 2, 'total', [0, 5]), hit('a', 3, '  total', [2, 7])];
    expect(replaceIn(content, hits, QUERY, 'sum of all')).toEqual({
      ...{ text: 'sum of all = sum of all\r\nchanged\r\n  sum of all\r\n', replaced: 3, left: 1 },
    });
    const far: SearchHit = { path: 'a', line: 1, text: 'xx total', before: 100, ranges: [[3, 8]] };
    expect(replaceIn(`${'y'.repeat(100)}xx total`, [far], QUERY, 'sum').text).toBe(`${'y'.repeat(100)}xx sum`);
  });

  const fileOf = (text: string) => ({ text, etag: 1 });
  function disk(files: Record<string, { text: string; etag: number }>) {
    return {
      files,
      read: (path: string) => {
        const file = files[path];
        if (file === undefined) return Promise.reject(new StreamError('not-found', 'It is not there'));
        const bytes = new TextEncoder().encode(file.text);
        return Promise.resolve({
          entry: { name: path, kind: 'file' as const, size: 1, modified: 0 },
          etag: String(file.etag),
          bytes,
          why: null,
        });
      },
      write: async (path: string, content: Uint8Array | Blob, etag: string | null) => {
        const file = files[path];
        if (file === undefined || String(file.etag) !== etag) throw new StreamError('conflict', 'Somebody changed it');
        file.text = content instanceof Blob ? await content.text() : new TextDecoder().decode(content);
        file.etag++;
        return { ok: true as const, entry: { name: path, kind: 'file' as const, size: 1, modified: 0 }, etag: String(file.etag) };
      },
    };
  }

  it('goes through files, leaves those with unsaved work or that are gone, and can be taken back where nobody wrote since', async () => {
    const store = disk({ 'a.ts': fileOf('total\n'), 'b.ts': fileOf('a total\n'), 'c.ts': fileOf('total\n') });
    const found = ['a.ts', 'c.ts', 'gone.ts'].map((path) => ({ path, hits: [hit(path, 1, 'total', [0, 5])] }));
    found.push({ path: 'b.ts', hits: [hit('b.ts', 1, 'a total', [2, 7])] });
    const progress: number[] = [];
    const replacer = new Replacer(store, (path) => path === 'c.ts');
    const done = await replacer.replace(found, QUERY, 'sum', (files) => progress.push(files));
    expect(done).toMatchObject({ finds: 2, files: 2 });
    expect(done.left).toEqual([
      { path: 'c.ts', why: 'It has unsaved changes in the editor' },
      { path: 'gone.ts', why: 'It is not there' },
    ]);
    expect(progress).toEqual([1, 2, 3, 4]);
    expect([store.files['a.ts']?.text, store.files['b.ts']?.text, store.files['c.ts']?.text]).toEqual(['sum\n', 'a sum\n', 'total\n']);
    await store.write('b.ts', new TextEncoder().encode('mine\n'), '2');
    expect(await done.undo()).toEqual([{ path: 'b.ts', why: 'Somebody changed it' }]);
    expect([store.files['a.ts']?.text, store.files['b.ts']?.text]).toEqual(['total\n', 'mine\n']);
  });
});

describe('going to a file', () => {
  const matchPaths = (all: readonly string[], recent: readonly string[], name: string) => new PathFinder(all, recent).find(name);
  const paths = ['README.md', 'src/app.ts', 'src/lib/main.ts', 'src/main.test.ts', 'test/app/main-menu.ts', 'web/menu/app.css'];

  it('finds by letters of name and folders, the name first', () => {
    expect(matchPaths(paths, [], 'main')[0]).toMatch(/main/);
    expect(matchPaths(paths, [], 'main').slice(0, 3).sort()).toEqual(['src/lib/main.ts', 'src/main.test.ts', 'test/app/main-menu.ts']);
    expect(matchPaths(paths, [], 'lib/main')).toEqual(['src/lib/main.ts']);
    expect(matchPaths(paths, [], 'nothing')).toEqual([]);
    expect(matchPaths(['.bashrc', 'shop/basket.ts', 'bas/x.ts'], [], 'bas')[0]).toBe('shop/basket.ts');
  });

  it('looks for another letter among what fitted those before it, and after a letter less among all', () => {
    let reads = 0;
    const many = [...Array.from({ length: 1_000 }, (_, index) => `a/${index}.ts`), ...paths];
    const counted = new Proxy(many, { get: (all, at) => (/^\d/.test(String(at)) && reads++, Reflect.get(all, at) as unknown) });
    const finder = new PathFinder(counted, []);
    finder.find('m');
    reads = 0;
    for (const name of ['me', 'men', 'menu']) expect(finder.find(name)).toEqual(matchPaths(many, [], name));
    expect(reads).toBe(0);
    expect(finder.find('me')).toEqual(matchPaths(many, [], 'me'));
    expect(reads).toBeGreaterThan(1_000);
  });

  it('finds the same letter by letter as at once, whatever is typed', () => {
    const all = [...paths, 'src/main-old.ts', 'my files/no te.md'];
    for (const whole of ['src/main', 'main -old', 'src app', 'my files/no', '"main', 'src/-main', 'MENU']) {
      const finder = new PathFinder(all, []);
      for (let end = 1; end <= whole.length; end++) {
        const name = goalOf(whole.slice(0, end)).name;
        expect(finder.find(name), name).toEqual(matchPaths(all, [], name));
      }
    }
  });

  it('shows what was opened lately first, while it is there', () => {
    expect(matchPaths(paths, ['web/menu/app.css', 'gone.ts'], '').slice(0, 2)).toEqual(['web/menu/app.css', 'README.md']);
    expect(matchPaths(paths, ['web/menu/app.css'], 'app')[0]).toBe('web/menu/app.css');
  });

  it('takes a line behind a colon', () => {
    expect(goalOf('main.ts:42')).toEqual({ name: 'main.ts', line: 42 });
    expect(goalOf('main.ts:')).toEqual({ name: 'main.ts', line: null });
    expect(goalOf('main.ts')).toEqual({ name: 'main.ts', line: null });
  });

  it('reads the names once, and again after files came or went, or when it failed', () => {
    const asked: Array<SearchEvents<string>> = [];
    const open = new QuickOpen({ files: (events) => (asked.push(events), () => undefined) });
    open.show();
    open.show();
    expect(asked).toHaveLength(1);
    asked[0]?.found(['b', 'a']);
    asked[0]?.finished(false);
    expect([open.paths, open.loading]).toEqual([['a', 'b'], false]);
    open.show();
    expect(asked).toHaveLength(1);
    open.changed();
    open.show();
    asked[1]?.failed(new StreamError('disconnected', 'Not connected'));
    expect([open.error, open.paths]).toEqual(['Not connected', ['a', 'b']]);
    open.show();
    expect(asked).toHaveLength(3);
  });
});
