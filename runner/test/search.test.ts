import { MOST_HITS, fileLine, textLine, type SearchHit, type TextQuery } from '@gatehouse/core/protocol/search.ts';
import { describe, expect, it } from 'vitest';
import type { HelperHead } from '../src/channel/helper-client.ts';
import { FILE_WINDOW, type HelperRequest } from '../src/channel/requests.ts';
import type { Sandbox } from '../src/sandbox/driver.ts';
import { isolationMissing, mintPlan, startSandbox, writeHome } from './support/sandbox.ts';

const kinds = isolationMissing() === null ? (['bubblewrap', 'process'] as const) : (['process'] as const);

interface Answer {
  head: HelperHead;
  lines: unknown[];
  /** most bytes that came before they were taken */
  ahead: number;
}

/** Asks the helper; takes what comes a while after it came, where `lazy`. */
function ask(sandbox: Sandbox, request: HelperRequest, lazy = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = '';
    let taken = 0;
    let got = 0;
    const answer: Answer = { head: { ok: true }, lines: [], ahead: 0 };
    const decoder = new TextDecoder();
    const stream = sandbox.helper.open(request, {
      head: (head) => {
        answer.head = head;
        if (!head.ok) resolve(answer);
      },
      data: (bytes) => {
        text += decoder.decode(bytes, { stream: true });
        got += bytes.byteLength;
        answer.ahead = Math.max(answer.ahead, got - taken);
        const take = () => stream.ack((taken = got));
        if (lazy) setImmediate(take);
        else take();
      },
      fin: () => {
        answer.lines = text
          .trim()
          .split('\n')
          .map((line): unknown => JSON.parse(line));
        resolve(answer);
      },
      gone: () => reject(new Error('gone')),
    });
  });
}

const ANY: TextQuery = { query: 'x', regex: false, matchCase: false, wholeWord: false, include: [], exclude: [] };

async function hitsOf(sandbox: Sandbox, query: Partial<TextQuery>): Promise<SearchHit[]> {
  const { lines } = await ask(sandbox, { method: 'search.text', ...ANY, ...query });
  return lines.map((line) => textLine.parse(line)).flatMap((line) => ('end' in line ? [] : [line]));
}

const placesOf = (hits: SearchHit[]) => hits.map(({ path, line }) => `${path}:${line}`).sort();

/** A home with these files. */
async function withFiles(kind: (typeof kinds)[number], files: Record<string, string | Buffer>): Promise<Sandbox> {
  const plan = mintPlan();
  const sandbox = await startSandbox(kind, plan);
  writeHome(plan, files);
  return sandbox;
}

const TREE = {
  'app/main.ts': 'const total = 1;\nexport const Total = total + 1;\n',
  'app/notes.md': 'The total of all.\n',
  'app/.env': 'TOTAL=3\n',
  'app/.gitignore': 'dist\n',
  'app/dist/out.js': 'total\n',
  'app/.git/config': 'total\n',
  'app/data.bin': Buffer.from([0, 1, 2, 116, 111, 116, 97, 108]),
};

describe.each(kinds)('a search in a %s sandbox', (kind) => {
  it('finds lines in all files that git would not ignore, hidden ones, too', async () => {
    const sandbox = await withFiles(kind, TREE);
    const hits = await hitsOf(sandbox, { query: 'total' });
    expect(placesOf(hits)).toEqual(['app/.env:1', 'app/main.ts:1', 'app/main.ts:2', 'app/notes.md:1']);
    expect(hits.find(({ path, line }) => path === 'app/main.ts' && line === 2)).toEqual({
      ...{ path: 'app/main.ts', line: 2, text: 'export const Total = total + 1;', before: 0 },
      ranges: [
        [13, 18],
        [21, 26],
      ],
    });
  });

  it('knows case, whole words, regular expressions, and which files', async () => {
    const sandbox = await withFiles(kind, TREE);
    const of = async (query: Partial<TextQuery>) => placesOf(await hitsOf(sandbox, query));
    expect(await of({ query: 'Total', matchCase: true })).toEqual(['app/main.ts:2']);
    expect(await of({ query: 'tot', wholeWord: true })).toEqual([]);
    expect(await of({ query: 'total$|1;$', regex: true, include: ['*.ts'] })).toEqual(['app/main.ts:1', 'app/main.ts:2']);
    expect(await of({ query: '1;$' })).toEqual([]);
    expect(await of({ query: 'total', exclude: ['**/*.md', '.env'] })).toEqual(['app/main.ts:1', 'app/main.ts:2']);
    expect(await of({ query: 'total', include: ['app/.git/**'] })).toEqual([]);
    expect(await of({ query: '--files' })).toEqual([]);
  });

  it('counts positions as pages do, and shows long lines around what was found', async () => {
    const long = `${'ä'.repeat(3000)}needle${'z'.repeat(3000)}`;
    const sandbox = await withFiles(kind, {
      'a.txt': `😀ä needle\r\n${long}\n`,
      'b.txt': Buffer.from([0xff, 0xfe, 32, 110, 101, 101, 100, 108, 101, 10]),
    });
    const hits = await hitsOf(sandbox, { query: 'needle' });
    const shown = hits.map(({ path, line, text, before, ranges }) => {
      const [from = 0, to = 0] = ranges[0] ?? [];
      return [path, line, text.slice(from, to), before + from, text.length];
    });
    expect(shown.sort()).toEqual([
      ['a.txt', 1, 'needle', 4, 10],
      ['a.txt', 2, 'needle', 3000, 400],
      ...(shown.length === 3 ? [['b.txt', 1, 'needle', 3, 9]] : []),
    ]);
  });

  it('says what is wrong with an expression', async () => {
    const sandbox = await withFiles(kind, TREE);
    const { head } = await ask(sandbox, { method: 'search.text', ...ANY, query: '(', regex: true });
    expect(head).toEqual({ ok: false, code: 'invalid', message: 'unclosed group' });
    expect(await ask(sandbox, { method: 'search.text', ...ANY, query: 'x', include: ['['] })).toMatchObject({
      head: { ok: false, code: 'invalid' },
    });
  });

  it('ends after so many finds and says that there are more; never goes further ahead than the window', async () => {
    const sandbox = await withFiles(kind, { 'many.txt': 'x and more of that line, so that it weighs something\n'.repeat(MOST_HITS + 1) });
    const { lines, ahead } = await ask(sandbox, { method: 'search.text', ...ANY }, true);
    expect(lines).toHaveLength(MOST_HITS + 1);
    expect(lines.at(-1)).toEqual({ end: true, truncated: true });
    expect(ahead).toBeLessThanOrEqual(FILE_WINDOW + 64 * 1024);
  });

  it('lists all files', async () => {
    const sandbox = await withFiles(kind, { ...TREE, 'new\nline.txt': '' });
    const { lines } = await ask(sandbox, { method: 'search.files' });
    const paths = lines.map((line) => fileLine.parse(line)).filter((line) => typeof line === 'string');
    expect(paths.filter((path) => !path.startsWith('.')).sort()).toEqual([
      ...['app/.env', 'app/.gitignore', 'app/data.bin', 'app/main.ts', 'app/notes.md', 'new\nline.txt'],
    ]);
    expect(lines.at(-1)).toEqual({ end: true, truncated: false });
  });
});
