import type { GitStatus } from '@gatehouse/core/protocol/git-answers.ts';
import { expect, it } from 'vitest';
import { waysOf } from './sync.ts';

const even: GitStatus = {
  ...{ branch: 'main', head: 'abc1234', upstream: 'origin/main', ahead: 0, behind: 0, stashes: 0, changes: [], truncated: false },
  ...{ operation: null, step: null, message: null, author: null, remotes: ['origin'] },
};

it.each<[string, Partial<GitStatus>, string | null]>([
  ['nothing where both are the same', {}, null],
  ['what is here alone is pushed', { ahead: 1 }, 'Push 1 commit'],
  ['what is there alone is pulled', { behind: 2 }, 'Pull 2 commits'],
  ['what both have alone comes together', { ahead: 3, behind: 1 }, 'Pull 1, push 3'],
  ['a branch without counterpart gets one', { upstream: null, ahead: null, behind: null }, 'Push this branch'],
  ['without a remote there is nowhere to go', { ahead: 1, remotes: [] }, null],
  ['nor without a branch', { branch: null, ahead: 1 }, null],
  ['nor before the first commit', { head: null, upstream: null }, null],
])('%s', (_name, status, words) => {
  expect(waysOf({ ...even, ...status })).toBe(words);
});
