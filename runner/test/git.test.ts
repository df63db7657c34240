import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitBlame, gitCommit, gitLog, gitRefs, gitRepositories } from '@gatehouse/core/protocol/git-answers.ts';
import type { LineEdit } from '@gatehouse/core/protocol/git.ts';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { homeOf } from '../src/sandbox/prepare.ts';
import { askGit, TestRepository } from './support/git.ts';
import { isolationMissing, mintPlan, startSandbox } from './support/sandbox.ts';

const kinds = isolationMissing() === null ? (['bubblewrap'] as const) : (['process'] as const);

/** A sandbox with one repository, in which a script has run. */
async function repository(kind: (typeof kinds)[number], script: string): Promise<TestRepository & { home: string }> {
  const plan = mintPlan();
  const sandbox = await startSandbox(kind, plan);
  const repo = new TestRepository(sandbox, 'app');
  await new TestRepository(sandbox, '.').sh('mkdir app');
  await repo.sh(`git init -q; ${script}`);
  return Object.assign(repo, { home: homeOf(plan) });
}

/** What `git diff -U0` says of a file, as edits. */
const editsOf = (diff: string): LineEdit[] =>
  [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(([, a = '', b = '1', c = '', d = '1']) => {
    const range = (from: string, count: string): [number, number] => {
      const start = Number(from) - (count === '0' ? 0 : 1);
      return [start, start + Number(count)];
    };
    return { old: range(a, b), new: range(c, d) };
  });

async function takeLines(repo: TestRepository, what: 'stage' | 'unstage' | 'discard', path: string, edits: LineEdit[]) {
  const [from, to] = what === 'unstage' ? (['commit', 'index'] as const) : (['index', 'worktree'] as const);
  const [old, seen] = [await repo.show(path, from), await repo.show(path, to)];
  return repo.do({ action: 'lines', what, path, old: old.version, new: seen.version, edits });
}

describe.each(kinds)('git in a %s sandbox', (kind) => {
  it('finds the repositories of the workspace, nested ones and worktrees, too, but not what only looks like one', async () => {
    const repo = await repository(
      kind,
      'git commit -q --allow-empty -m one; git worktree add -q ../tree; mkdir -p lib/.git; git init -q deep/er',
    );
    const found = gitRepositories.parse(await repo.json({ method: 'git.repositories' }));
    expect(found).toEqual({ git: expect.stringMatching(/^2\./), repositories: ['app', 'tree', 'app/deep/er'], truncated: false });
    await expect(repo.json({ method: 'git.status', repo: 'app/lib' })).rejects.toThrow(/not a git repository/i);
  });

  it('tells what changed, whatever the names are', async () => {
    const names = ['new\nline.txt', '"quoted".txt', 'ünï 😀.txt', '-rf', ':(top)x', 'tab\there'];
    const repo = await repository(
      kind,
      'echo g > gone; echo m > moved; echo a > same; git add -A; git commit -qm one; echo "*.log" > .gitignore',
    );
    await repo.sh('git rm -q gone; git mv moved there; echo b >> same; touch x.log; git add .gitignore');
    for (const name of names) writeFileSync(join(repo.home, 'app', name), 'x');
    const status = await repo.status();
    const told = status.changes.map(({ index, worktree, path, from }) => [index + worktree, path, from]);
    expect(told).toHaveLength(names.length + 5);
    expect(told).toEqual(
      expect.arrayContaining([
        ['D.', 'gone', null],
        ['R.', 'there', 'moved'],
        ['.M', 'same', null],
        ['A.', '.gitignore', null],
        ['!!', 'x.log', null],
        ...names.map((name) => ['??', name, null]),
      ]),
    );
    expect(status).toMatchObject({ branch: 'main', upstream: null, operation: null, author: { name: 'Ada', email: 'ada@acme.test' } });
    await repo.done({ action: 'stage', paths: names });
    expect((await repo.letters()).filter((each) => each.startsWith('A.'))).toHaveLength(names.length + 1);
    await repo.done({ action: 'unstage', paths: names });
    const { kept } = await repo.done({ action: 'discard', paths: names });
    expect((await repo.letters()).filter((each) => each.startsWith('??'))).toEqual([]);
    await repo.done({ action: 'put-back', files: kept });
    expect((await repo.letters()).filter((each) => each.startsWith('??'))).toHaveLength(names.length);
  });

  it('stages one hunk as git would, and takes it back', async () => {
    const repo = await repository(kind, 'seq 1 40 > n; git add n; git commit -qm one; sed -i "s/^5$/five/; s/^30$/thirty/; 40d" n');
    const edits = editsOf(await repo.sh('git diff -U0 -- n'));
    expect(edits).toHaveLength(3);
    await repo.sh(
      'git diff -U0 -- n | sed -n "1,/^@@ -30/p" | sed "\\$d" > /tmp/one.patch; cp .git/index /tmp/i; git apply --cached --unidiff-zero /tmp/one.patch; git diff --cached > /tmp/wanted; cp /tmp/i .git/index',
    );
    expect(await takeLines(repo, 'stage', 'n', edits.slice(0, 1))).toMatchObject({ kind: 'done' });
    expect(await repo.sh('git diff --cached')).toBe(await repo.sh('cat /tmp/wanted'));
    expect(await takeLines(repo, 'unstage', 'n', editsOf(await repo.sh('git diff --cached -U0 -- n')))).toMatchObject({ kind: 'done' });
    expect(await repo.letters()).toEqual(['.M n']);
  });

  it('G3, G4 stages and discards single lines as they were shown, and what was discarded comes back', async () => {
    const repo = await repository(kind, 'printf "a\\nb\\nc" > n; git add n; git commit -qm one; printf "a\\nB\\nX\\nc\\nd" > n');
    await takeLines(repo, 'stage', 'n', [{ old: [1, 2], new: [1, 2] }]);
    expect(await repo.sh('git show :n')).toBe('a\nB\nc');
    await takeLines(repo, 'stage', 'n', [{ old: [3, 3], new: [4, 5] }]);
    expect(await repo.sh('git show :n')).toBe('a\nB\nc\nd');
    const dropped = await takeLines(repo, 'discard', 'n', [{ old: [2, 2], new: [2, 3] }]);
    expect(await repo.sh('cat n')).toBe('a\nB\nc\nd');
    await repo.done({ action: 'put-back', files: dropped.kind === 'done' ? dropped.kept : [] });
    expect(await repo.sh('cat n')).toBe('a\nB\nX\nc\nd');
    const stale = await repo.do({ action: 'lines', what: 'stage', path: 'n', old: 'x', new: 'y', edits: [{ old: [0, 1], new: [0, 1] }] });
    expect(stale).toMatchObject({ kind: 'failed', why: 'changed' });
  });

  it('comes to the same by all hunks one by one as by the whole file', async () => {
    const repo = await repository(
      kind,
      'git config core.autocrlf false; echo "*.crlf text eol=crlf" > .gitattributes; git add -A; git commit -qm zero',
    );
    for (const seed of [1, 2, 3, 4]) {
      const one = <T>(what: fc.Arbitrary<T>, more = 0): T => fc.sample(what, { seed: seed * 1000 + more, numRuns: 1 })[0] as T;
      const name = seed % 2 === 0 ? 'n.crlf' : 'n.txt';
      const end = seed % 2 === 0 ? '\r\n' : '\n';
      const before = one(fc.array(fc.constantFrom('a', 'b', '', 'ü', 'x\tx'), { minLength: 20, maxLength: 20 }));
      const after = before.flatMap((each, at) => one(fc.constantFrom([each], [each], [each], [], [each, 'new'], ['other']), at));
      const place = join(repo.home, 'app', name);
      writeFileSync(place, before.join(end) + one(fc.constantFrom('', end)));
      await repo.sh(`git add -A; git commit -qm ${seed}`);
      writeFileSync(place, after.join(end) + one(fc.constantFrom('', end), 1));
      await repo.sh('cp .git/index /tmp/before; git add -A; git ls-files -s > /tmp/whole; cp /tmp/before .git/index');
      for (
        let left = editsOf(await repo.sh(`git diff -U0 -- ${name}`));
        left.length > 0;
        left = editsOf(await repo.sh(`git diff -U0 -- ${name}`))
      )
        expect(await takeLines(repo, 'stage', name, [one(fc.constantFrom(...left), left.length)])).toMatchObject({ kind: 'done' });
      expect(await repo.sh('git ls-files -s')).toBe(await repo.sh('cat /tmp/whole'));
    }
  });

  it('commits, amends, signs off and takes a commit back; asks who commits where nobody said', async () => {
    const repo = await repository(kind, 'echo a > a; git add a');
    const commit = { action: 'commit', amend: false, signOff: true, all: false } as const;
    const { sha } = await repo.done({ ...commit, message: 'One\n\nMore' });
    expect(await repo.sh('git log -1 --format=%an:%B')).toBe('Ada:One\n\nMore\n\nSigned-off-by: Ada <ada@acme.test>');
    expect(await repo.refusal({ ...commit, message: 'Two' })).toMatch(/^nothing: /);
    await repo.sh('echo b > b');
    const second = await repo.done({ ...commit, message: 'Two', all: true });
    await repo.done({ ...commit, message: 'Zwei\n\n# no comment', amend: true, signOff: false });
    expect(await repo.sh('git log -1 --format=%B')).toBe('Zwei\n\n# no comment');
    expect(await repo.refusal({ action: 'undo-commit', sha: second.sha ?? '' })).toMatch(/^changed: /);
    await repo.done({ action: 'undo-commit', sha: await repo.sh('git rev-parse HEAD') });
    expect([await repo.letters(), await repo.sh('git rev-parse HEAD')]).toEqual([['A. b'], sha]);
    await repo.sh('git config user.useConfigOnly true; git config user.name ""; git config user.email ""');
    expect((await repo.status()).author).toBeNull();
    expect(await repo.refusal({ ...commit, message: 'Three' })).toMatch(/^identity: /);
    await repo.sh('git config --unset user.name; git config --unset user.email');
    await repo.done({ action: 'identity', name: 'Grace', email: 'grace@acme.test' });
    expect((await repo.status()).author).toEqual({ name: 'Grace', email: 'grace@acme.test' });
  });

  it('G1 shows what a hook prints, and ends it when nobody wants it any more', async () => {
    const repo = await repository(
      kind,
      'echo a > a; git add a; printf "#!/bin/sh\\necho linting; touch ran; exec sleep 600" > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit',
    );
    const outputs: string[] = [];
    await new Promise<void>((resolve) => {
      const work = { action: 'commit', message: 'x', amend: false, signOff: false, all: false } as const;
      const stream = repo.sandbox.helper.open(
        { method: 'git.do', repo: 'app', work },
        {
          head: () => undefined,
          message: (value) => {
            outputs.push(JSON.stringify(value));
            stream.reset();
            resolve();
          },
          gone: () => undefined,
        },
      );
    });
    expect(outputs).toEqual(['{"kind":"output","text":"linting\\n"}']);
    await expect.poll(() => repo.sh('pgrep -x sleep || echo none'), { timeout: 10_000 }).toBe('none');
    expect(existsSync(join(repo.home, 'app/.git/index.lock'))).toBe(false);
  });

  it('G2 makes, switches, renames and deletes branches, and brings a deleted one back', async () => {
    const repo = await repository(kind, 'echo a > a; git add a; git commit -qm one');
    await repo.done({ action: 'branch', name: 'topic/one', from: null, switchTo: true });
    await repo.sh('echo b > a; git commit -qam two; git switch -q main; echo c > a');
    expect(await repo.refusal({ action: 'switch', to: 'topic/one', detach: false })).toMatch(/^dirty: .*overwritten/);
    await repo.sh('git checkout -q a');
    expect(await repo.refusal({ action: 'delete-branch', name: 'topic/one', force: false })).toMatch(/^unmerged: /);
    const { sha } = await repo.done({ action: 'delete-branch', name: 'topic/one', force: true });
    await repo.done({ action: 'branch', name: 'topic/one', from: sha, switchTo: false });
    await repo.done({ action: 'rename-branch', from: 'topic/one', to: 'two' });
    await repo.sh('git tag -am noted v1');
    const { refs } = gitRefs.parse(await repo.json({ method: 'git.refs', repo: 'app' }));
    expect(refs.map(({ kind: of, name, subject, current }) => `${of} ${name} ${subject} ${current}`).sort()).toEqual([
      ...['branch main one true', 'branch two two false', 'tag v1 noted false'],
    ]);
    expect(refs.find(({ name }) => name === 'v1')?.sha).toBe(await repo.sh('git rev-parse HEAD'));
    await expect(repo.do({ action: 'switch', to: '--orphan', detach: false })).rejects.toThrow();
    await expect(repo.do({ action: 'branch', name: '-D', from: null, switchTo: false })).rejects.toThrow();
  });

  it('stops at a conflict with both sides and what was before, goes on, and aborts', async () => {
    const repo = await repository(
      kind,
      'echo one > a; git add a; git commit -qm one; git switch -qc topic; echo theirs > a; git commit -qam two; git switch -q main; echo ours > a; git commit -qam three',
    );
    expect(await repo.refusal({ action: 'merge', from: 'topic' })).toMatch(/^conflicts: /);
    expect(await repo.letters()).toEqual(['!UU a']);
    expect(await repo.status()).toMatchObject({ operation: 'merge', message: expect.stringContaining("Merge branch 'topic'") });
    const sides = await Promise.all((['base', 'ours', 'theirs'] as const).map((side) => repo.show('a', side)));
    expect(sides.map(({ text }) => text)).toEqual(['one\n', 'ours\n', 'theirs\n']);
    expect(await repo.sh('cat a')).toMatch(/\|\|\|\|\|\|\| .*\none\n=======/);
    expect(await repo.refusal({ action: 'discard', paths: ['a'] })).toMatch(/^conflicts: /);
    await repo.done({ action: 'abort' });
    expect([await repo.letters(), (await repo.status()).operation]).toEqual([[], null]);
    expect(await repo.refusal({ action: 'rebase', onto: 'topic' })).toMatch(/^conflicts: /);
    expect(await repo.status()).toMatchObject({ operation: 'rebase', step: '1 of 1', branch: null });
    await repo.sh('echo both > a; git add a');
    await repo.done({ action: 'go-on' });
    expect(await repo.sh('git log --format=%s')).toBe('three\ntwo\none');
    expect(await repo.refusal({ action: 'go-on' })).toMatch(/^nothing: /);
    await repo.done({ action: 'revert', commit: await repo.sh('git rev-parse HEAD') });
    expect(await repo.sh('cat a')).toBe('theirs');
  });

  it('keeps stashes, and does not take another one than was seen', async () => {
    const repo = await repository(kind, 'echo a > a; git add a; git commit -qm one; echo b > a; echo u > u');
    await repo.done({ action: 'stash', message: 'half done', untracked: true });
    expect(await repo.letters()).toEqual([]);
    const { stashes } = gitRefs.parse(await repo.json({ method: 'git.refs', repo: 'app' }));
    expect(stashes).toMatchObject([{ index: 0, subject: 'On main: half done' }]);
    const sha = stashes[0]?.sha ?? '';
    expect(await repo.refusal({ action: 'drop-stash', index: 0, sha: 'abcdef' })).toMatch(/^changed: /);
    await repo.done({ action: 'drop-stash', index: 0, sha });
    await repo.done({ action: 'restash', sha, message: 'On main: half done' });
    await repo.done({ action: 'unstash', index: 0, sha, drop: true });
    expect(await repo.letters()).toEqual(['.M a', '?? u']);
    expect(await repo.refusal({ action: 'stash', message: '--all', untracked: false })).toBe('done');
  });

  it('pushes, is rejected, forces only over what it has seen, pulls and clones with progress', async () => {
    const repo = await repository(
      kind,
      'echo a > a; git add a; git commit -qm one; git init -q --bare ../far.git; git remote add origin "$HOME/far.git"',
    );
    expect(await repo.refusal({ action: 'push', remote: null, force: false })).toMatch(/^no-upstream: /);
    await repo.done({ action: 'push', remote: 'origin', force: false });
    expect(await repo.status()).toMatchObject({ upstream: 'origin/main', ahead: 0, behind: 0, remotes: ['origin'] });
    const other = new TestRepository(repo.sandbox, 'other');
    await other.done({ action: 'clone', url: `${await repo.sh('echo $HOME')}/far.git` });
    expect(await other.refusal({ action: 'clone', url: 'x' })).toBe('other: There is already something in that folder');
    await other.sh('echo b > b; git add b; git commit -qm two; git push -q');
    await repo.sh('echo c > c; git add c; git commit -qm three');
    expect(await repo.refusal({ action: 'push', remote: null, force: false })).toMatch(/^rejected: .*Pull first/);
    expect(await repo.refusal({ action: 'push', remote: null, force: true })).toMatch(/^rejected: /);
    await repo.done({ action: 'fetch' });
    expect(await repo.status()).toMatchObject({ ahead: 1, behind: 1 });
    expect(await repo.refusal({ action: 'pull', rebase: null })).toMatch(/^rejected: .*Choose/);
    await repo.done({ action: 'pull', rebase: false });
    expect(await repo.sh('git log -1 --format=%s')).toBe("Merge remote-tracking branch 'origin/main'");
    await repo.sh('git reset -q --hard HEAD~1');
    await repo.done({ action: 'pull', rebase: true });
    await repo.sh('git commit -q --amend -m "three, better"');
    await repo.done({ action: 'push', remote: null, force: false });
    await repo.sh('git commit -q --amend -m "three, best"');
    expect(await repo.refusal({ action: 'push', remote: null, force: false })).toMatch(/^rejected: /);
    await repo.done({ action: 'push', remote: null, force: true });
    expect(await other.refusal({ action: 'push', remote: '--mirror', force: false }).catch(() => 'refused')).toBe('refused');
  });

  it('tells the log by pages, with filters, a commit with its files, and who wrote which line', async () => {
    const repo = await repository(
      kind,
      'seq 1 5 > n; git add n; git commit -qm "one: Über"; git switch -qc side; git mv n m; git commit -qm move; git switch -q main; sed -i s/3/three/ n; printf "\\0" > bin; git add -A; git -c user.name=Grace commit -qm three; git merge -q --no-edit side',
    );
    const ask = async (change: object) =>
      gitLog.parse(
        await repo.json({ method: 'git.log', repo: 'app', skip: 0, count: 50, all: false, text: '', author: '', path: '', ...change }),
      );
    const subjects = async (change: object) => (await ask(change)).commits.map(({ subject }) => subject);
    const { commits } = await ask({});
    expect(commits.map(({ subject, parents }) => [subject, parents.length])).toEqual(
      expect.arrayContaining([
        ["Merge branch 'side'", 2],
        ['move', 1],
        ['three', 1],
        ['one: Über', 0],
      ]),
    );
    expect(await ask({ count: 1 })).toMatchObject({ more: true, commits: [{ subject: "Merge branch 'side'" }] });
    expect(await subjects({ text: 'über' })).toEqual(['one: Über']);
    expect(await subjects({ author: 'grace' })).toEqual(['three']);
    expect(await subjects({ path: 'bin' })).toEqual(['three']);
    const move = gitCommit.parse(await repo.json({ method: 'git.commit', repo: 'app', commit: 'side' }));
    expect(move).toMatchObject({ subject: 'move', files: [{ path: 'm', from: 'n', status: 'R', added: 0, deleted: 0 }] });
    const three = gitCommit.parse(
      await repo.json({ method: 'git.commit', repo: 'app', commit: commits.find((each) => each.subject === 'three')?.sha ?? '' }),
    );
    expect(three.files).toEqual([
      { path: 'bin', from: null, status: 'A', added: null, deleted: null },
      { path: 'n', from: null, status: 'M', added: 1, deleted: 1 },
    ]);
    const { text } = await askGit(repo.sandbox, { method: 'git.blame', repo: 'app', path: 'm' });
    const runs = text
      .trim()
      .split('\n')
      .map((line) => gitBlame.parse(JSON.parse(line)));
    expect(runs.flatMap(({ line, count, sha }) => Array.from({ length: count }, (_, index) => [line + index, sha])).sort()).toHaveLength(5);
    expect(runs.find(({ line }) => line === 3)?.who).toMatchObject({ author: 'Grace', summary: 'three' });
    expect(await repo.show('bin', 'commit')).toMatchObject({ text: '', why: 'binary' });
    expect(await repo.show('nowhere', 'index')).toMatchObject({ version: 'absent', why: 'absent' });
    await expect(repo.show('../../etc/passwd', 'worktree')).rejects.toThrow('".."');
    await expect(askGit(repo.sandbox, { method: 'git.commit', repo: 'app', commit: '--output=/tmp/x' })).resolves.toMatchObject({
      head: { ok: false },
    });
  });

  it('G5 says when git itself changed something', async () => {
    const repo = await repository(kind, 'echo a > a; git add a; git commit -qm one');
    const said: unknown[] = [];
    await new Promise<void>((ready) => {
      repo.sandbox.helper.open(
        { method: 'git.watch', repos: ['app', 'nowhere'] },
        {
          head: () => ready(),
          message: (value) => said.push(value),
          gone: () => undefined,
        },
      );
    });
    const changed = { kind: 'changed', repos: ['app'] };
    await repo.status();
    for (const script of [
      'echo b > a; git add a',
      'git commit -qm two',
      'git branch deep/er/branch',
      'git update-ref refs/heads/deep/er/branch HEAD~1',
    ]) {
      said.length = 0;
      await repo.sh(script);
      await expect.poll(() => said).toContainEqual(changed);
    }
  });

  it('runs what a hostile repository sets inside the sandbox only, and asks nobody', async () => {
    const repo = await repository(kind, 'echo a > a; git add a; git commit -qm one');
    const seen = 'echo "$GATEHOUSE_WORKSPACE $(tty 2>&1)" >> $HOME/seen';
    await repo.sh(`printf '#!/bin/sh\\n%s\\nexit 1' '${seen}' > $HOME/hostile; chmod +x $HOME/hostile`);
    await repo.sh(
      'git config core.fsmonitor $HOME/hostile; git config core.sshCommand $HOME/hostile; git config core.pager $HOME/hostile; git config core.editor $HOME/hostile; git config filter.x.clean $HOME/hostile; echo "* filter=x" > .gitattributes; git remote add origin ssh://nobody@far.test/x; echo b > a',
    );
    await repo.status();
    await repo.do({ action: 'stage', paths: ['a'] });
    expect(await repo.refusal({ action: 'fetch' })).not.toBe('done');
    const lines = (await repo.sh('sort -u $HOME/seen')).split('\n');
    expect(lines).toEqual(['blue-house not a tty']);
    expect(existsSync(join(repo.home, 'seen'))).toBe(true);
  });

  it('says in words that another git is at work', async () => {
    const repo = await repository(kind, 'echo a > a; touch .git/index.lock');
    expect(await repo.refusal({ action: 'stage', paths: ['a'] })).toMatch(/^locked: Another git is at work/);
    expect(await repo.letters()).toEqual(['?? a']);
  });
});
