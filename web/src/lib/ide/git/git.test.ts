import type { GitChange, GitStatus } from '@gatehouse/core/protocol/git-answers.ts';
import type { LineEdit } from '@gatehouse/core/protocol/git.ts';
import { describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { linesOf as listOf, stepOf } from './change-keys.ts';
import { rowsOf, statesOf } from './changes.ts';
import { conflictsIn, taken } from './conflicts.ts';
import { editsBetween, hunksOf, linesOf, partOf } from './diff.ts';
import { Git } from './git.svelte.ts';
import { piecesOf } from './highlight.ts';
import { graphOf } from './lanes.ts';
import { RemoteGit } from './remote-git.ts';
import { Repository } from './repository.svelte.ts';

const change = (path: string, more: Partial<GitChange> = {}): GitChange => ({
  ...{ path, kind: 'changed', index: '.', worktree: 'M', from: null, submodule: false },
  ...more,
});
const STATUS: GitStatus = {
  ...{ branch: 'main', head: 'a'.repeat(40), upstream: null, ahead: null, behind: null, stashes: 0, changes: [], truncated: false },
  ...{ operation: null, step: null, message: null, author: { name: 'Ada', email: 'ada@acme.test' }, remotes: [] },
};

describe('what changed', () => {
  it('stands in groups; a file that is staged in part in two of them', () => {
    const rows = rowsOf([
      change('both', { index: 'M' }),
      change('moved', { index: 'R', worktree: '.', from: 'was' }),
      change('new', { kind: 'untracked', index: '?', worktree: '?' }),
      change('fight', { kind: 'conflict', index: 'U', worktree: 'U' }),
      change('dist/', { kind: 'ignored', index: '!', worktree: '!' }),
    ]);
    const told = Object.entries(rows).map(([group, each]) => [group, each.map(({ path, letter }) => `${letter} ${path}`)]);
    expect(Object.fromEntries(told)).toEqual({
      ...{ conflicts: ['! fight'], staged: ['M both', 'R moved'], changes: ['M both'], untracked: ['U new'] },
    });
    expect(rows.staged[1]?.from).toBe('was');
  });

  it('colours files, and folders by the weightiest in them', () => {
    const states = statesOf([
      change('src/deep/a.ts', { kind: 'untracked' }),
      change('src/b.ts', { kind: 'conflict' }),
      change('lib/c.ts', { worktree: 'D' }),
    ]);
    expect(Object.fromEntries(states)).toEqual({
      ...{ 'src/deep/a.ts': 'untracked', 'src/deep': 'untracked', src: 'conflict', 'src/b.ts': 'conflict' },
      ...{ 'lib/c.ts': 'deleted', lib: 'modified' },
    });
  });

  it('is walked by keys: a group opens and closes, a file is staged, shown, discarded', () => {
    const rows = rowsOf([change('a'), change('b')]);
    const lines = listOf(rows, new Set());
    expect(lines).toHaveLength(3);
    expect(stepOf(lines, 2, 'ArrowLeft')).toEqual({ kind: 'go', to: 0 });
    expect(stepOf(lines, 0, 'ArrowLeft')).toEqual({ kind: 'toggle' });
    expect(stepOf(lines, 2, 'ArrowDown')).toEqual({ kind: 'go', to: 2 });
    expect([' ', 'Enter', 'Delete'].map((key) => stepOf(lines, 1, key)?.kind)).toEqual(['stage', 'open', 'discard']);
    expect(stepOf(lines, 1, 'q')).toBeNull();
    expect(listOf(rows, new Set(['changes']))).toHaveLength(1);
  });
});

describe('a comparison', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`).join('');

  it('counts lines as the runner does, the last without a break, too', () => {
    expect(linesOf('a\r\nb')).toEqual(['a\r\n', 'b']);
    expect(editsBetween('a', 'a\n')).toEqual([{ old: [0, 1], new: [0, 1] }]);
    expect(editsBetween('', 'a\n')).toEqual([{ old: [0, 0], new: [0, 1] }]);
    expect(editsBetween('a\nb\n', 'a\nb\n')).toEqual([]);
  });

  it('has a hunk for changes that stand close together, with what is around them', () => {
    const after = before.replace('line 3\n', 'three\n').replace('line 6\n', '').replace('line 18\n', 'line 18\nmore\n');
    const { hunks, hiddenAtEnd } = hunksOf(before, after);
    expect(hunks.map(({ edits, hidden, lines }) => [edits.length, hidden, lines.length])).toEqual([
      [2, 0, 10],
      [1, 6, 6],
    ]);
    expect(hiddenAtEnd).toBe(0);
    const text = (kind: string) => hunks.flatMap(({ lines }) => lines.filter((line) => line.kind === kind).map((line) => line.text));
    expect([text('old'), text('new')]).toEqual([
      ['line 3', 'line 6'],
      ['three', 'more'],
    ]);
    expect(hunks[0]?.lines.find(({ kind }) => kind === 'new')?.marks).not.toEqual([]);
    expect(hunksOf(before, after, 1000).hunks).toHaveLength(1);
  });

  it('gives that part of a change which is selected', () => {
    const same: LineEdit = { old: [3, 5], new: [3, 5] };
    expect(
      partOf(
        same,
        (line) => line === 4,
        (line) => line === 4,
      ),
    ).toEqual([{ old: [3, 4], new: [3, 4] }]);
    expect(
      partOf(
        same,
        () => false,
        (line) => line === 5,
      ),
    ).toEqual([{ old: [5, 5], new: [4, 5] }]);
    const grown: LineEdit = { old: [3, 4], new: [3, 6] };
    expect(
      partOf(
        grown,
        () => false,
        (line) => line === 5,
      ),
    ).toEqual([{ old: [4, 4], new: [4, 5] }]);
    expect(
      partOf(
        grown,
        (line) => line === 4,
        () => false,
      ),
    ).toEqual([{ old: [3, 4], new: [3, 3] }]);
  });

  it('is coloured and marked at once', () => {
    expect(piecesOf('let a', [[0, 3, 'tok-keyword']], [[2, 5]])).toEqual([
      { text: 'le', classes: 'tok-keyword' },
      { text: 't', classes: 'tok-keyword marked' },
      { text: ' a', classes: 'marked' },
    ]);
    expect(piecesOf('', [], [])).toEqual([]);
  });
});

describe('the graph of a log', () => {
  it('gives a branch a lane of its own until it comes together, and the lane to the next', () => {
    const commit = (sha: string, ...parents: string[]) => ({ sha, parents });
    const rows = graphOf([commit('m', 'a', 'b'), commit('b', 'r'), commit('a', 'r'), commit('r'), commit('x')]);
    expect(rows.map(({ lane, width }) => [lane, width])).toEqual([
      [0, 2],
      [1, 2],
      [0, 2],
      [0, 2],
      [0, 1],
    ]);
    expect(rows[0]?.out.map(([from, to]) => [from, to])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(rows[3]?.out).toEqual([]);
  });
});

describe('a conflict', () => {
  const lines = ['a', '<<<<<<< HEAD', 'ours', '||||||| base', 'was', '=======', 'theirs', 'more', '>>>>>>> topic', 'z'];

  it('is read with what was before, and each side can take its place', () => {
    const [conflict, ...others] = conflictsIn(lines);
    expect(others).toEqual([]);
    if (conflict === undefined) throw new Error('There is none');
    expect(conflict).toEqual({ from: 1, to: 9, ours: [2, 3], base: [4, 5], theirs: [6, 8], names: { ours: 'HEAD', theirs: 'topic' } });
    const results = (['ours', 'theirs', 'both', 'base'] as const).map((take) => taken(lines, conflict, take).join());
    expect(results).toEqual(['ours', 'theirs,more', 'ours,theirs,more', 'was']);
  });

  it('is none where a marker is missing', () => {
    expect(conflictsIn(lines.filter((line) => line !== '======='))).toEqual([]);
    expect(conflictsIn(['=======', '>>>>>>> x', '<<<<<<<< y'])).toEqual([]);
    expect(conflictsIn(lines.filter((_, at) => at < 3 || at > 4))[0]?.base).toBeNull();
  });
});

describe('git over the connection', () => {
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  async function connected() {
    const bench = new Bench();
    await bench.connect();
    const { link } = bench.runner;
    const answer = (stream: number, value: unknown) => {
      link.send('head', stream, 0, { ok: true });
      link.send('data', stream, 0, json(value));
      link.send('fin', stream, json(value).byteLength, new Uint8Array(0));
    };
    return { bench, link, answer };
  }

  it('tells how far an action is, and why it came to nothing', async () => {
    const { bench, link } = await connected();
    const heard: unknown[] = [];
    const { done } = new RemoteGit(bench.connection).do('app', { action: 'fetch' }, (said) => heard.push(said));
    link.send('head', 1, 0, { ok: true });
    link.send('message', 1, 0, { kind: 'progress', text: 'Receiving objects', percent: 45 });
    link.send('message', 1, 0, { kind: 'failed', why: 'credentials', message: 'git.example asks who you are.' });
    await expect(done).rejects.toMatchObject({ why: 'credentials', message: 'git.example asks who you are.' });
    expect(heard).toEqual([{ kind: 'progress', text: 'Receiving objects', percent: 45 }]);
  });

  it('is refused to whoever only watches, in words', async () => {
    const { bench, link } = await connected();
    const { done } = new RemoteGit(bench.connection).do('app', { action: 'fetch' }, () => undefined);
    link.send('head', 1, 0, { ok: false, code: 'refused', message: 'You are watching: somebody else drives' });
    await expect(done).rejects.toMatchObject({ why: 'other', message: 'You are watching: somebody else drives' });
  });

  it('finds repositories, the innermost of a file, and how the file stands', async () => {
    const { bench, link, answer } = await connected();
    const git = new Git(bench.connection);
    const ready = git.connected();
    answer(1, { git: '2.39.5', repositories: ['app', 'app/lib'], truncated: false });
    await link.until(() => link.opened('git.status').length === 2);
    const changes = [change('src/a.ts'), change('dist', { kind: 'ignored', index: '!', worktree: '!' })];
    for (const { stream, request } of link.opened('git.status'))
      answer(stream, { ...STATUS, changes: request.repo === 'app' ? changes : [] });
    await ready;
    expect(git.repositoryOf('app/lib/x.ts')?.folder).toBe('app/lib');
    expect(['app/src/a.ts', 'app/src', 'app/dist/deep/o.js', 'app/b.ts', 'else'].map((path) => git.statusOf(path))).toEqual([
      ...['modified', 'modified', 'ignored', null, null],
    ]);
    expect(git.count).toBe(1);
    expect(link.opened('git.watch')[0]?.request.repos).toEqual(['app', 'app/lib']);
  });

  it('empties the message once a commit is made, before it looks again, and leaves what was written meanwhile', async () => {
    const { bench, link, answer } = await connected();
    const repository = new Repository(new RemoteGit(bench.connection), 'app');
    const commit = { action: 'commit', message: 'One', amend: false, signOff: false, all: true } as const;
    const done = { kind: 'done', kept: [], sha: 'a'.repeat(40) };
    repository.message = 'One';
    const first = repository.run('Committing', commit);
    link.send('head', 1, 0, { ok: true });
    link.send('message', 1, 0, done);
    await link.until(() => link.opened('git.status').length === 1);
    expect(repository.message).toBe('');
    answer(link.opened('git.status')[0]?.stream ?? 0, { ...STATUS, operation: 'merge', message: 'Merge topic' });
    await first;
    expect(repository.message).toBe('Merge topic');
    const second = repository.run('Committing', { ...commit, message: 'Merge topic' });
    repository.message = 'What comes next';
    const { stream = 0 } = link.opened('git.do').at(-1) ?? {};
    link.send('head', stream, 0, { ok: true });
    link.send('message', stream, 0, done);
    await link.until(() => link.opened('git.status').length === 2);
    answer(link.opened('git.status').at(-1)?.stream ?? 0, STATUS);
    await second;
    expect(repository.message).toBe('What comes next');
  });
});
