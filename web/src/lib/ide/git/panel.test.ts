import { flushSync, mount, unmount } from 'svelte';
import { expect, it } from 'vitest';
import type { Ide } from '../ide.svelte.ts';
import { Layout } from '../layout/layout.svelte.ts';
import { Bench } from '../testing/connected.ts';
import { Git } from './git.svelte.ts';
import { Repository } from './repository.svelte.ts';
import SourceControlPanel from './SourceControlPanel.svelte';
import WithIde from '../testing/WithIde.svelte';

it('shows what changed in its groups, and who commits', () => {
  const bench = new Bench();
  const git = new Git(bench.connection);
  const repository = new Repository(git.remote, 'shop');
  const change = { kind: 'changed', index: '.', worktree: 'M', from: null, submodule: false } as const;
  repository.status = {
    ...{ branch: 'main', head: 'a'.repeat(40), upstream: null, ahead: null, behind: null, stashes: 0, truncated: false },
    ...{ changes: [{ ...change, path: 'prices.ts' }], operation: null, step: null, message: null, remotes: ['origin'] },
    author: { name: 'Ada', email: 'ada@acme.test' },
  };
  git.repositories = [repository];
  git.loaded = true;
  const ide = { git, layout: new Layout(), people: { refusal: null }, connection: { kind: 'connecting' } } as unknown as Ide;
  const shown = mount(WithIde, { target: document.body, props: { ide, part: SourceControlPanel } });
  flushSync();
  const items = [...document.querySelectorAll('[role=treeitem]')].map((each) => each.getAttribute('aria-label'));
  expect(items).toEqual(['Changes, 1', 'prices.ts, modified, changes']);
  expect(document.body.textContent).toContain('as Ada');
  void unmount(shown);
});
