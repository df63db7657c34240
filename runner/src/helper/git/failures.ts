import type { GitFailure } from '@gatehouse/core/protocol/git-answers.ts';
import { complaintOf } from './run.ts';

/** Why an action came to nothing, for the page to offer what helps. */
export class GitRefused extends Error {
  readonly why: GitFailure;

  constructor(why: GitFailure, message: string) {
    super(message);
    this.why = why;
  }
}

/** What git's words mean, the first that fits; words of our own where git's speak of files that nobody knows. */
const MEANINGS: ReadonlyArray<[RegExp, GitFailure, string?]> = [
  [
    /Unable to create '.*\.lock'|index\.lock/,
    'locked',
    'Another git is at work in this repository. If none is, one died half-way: delete the file .git/index.lock.',
  ],
  [
    /tell me who you are|empty ident name|unable to auto-detect email|no email was given/i,
    'identity',
    'Git does not know yet who commits.',
  ],
  [/asks who you are|does not take your credential|terminal prompts disabled|Authentication failed|could not read Username/, 'credentials'],
  [/egress policy/, 'policy'],
  [/would be overwritten|commit your changes or stash|have unstaged changes|contains uncommitted changes/, 'dirty'],
  [/^CONFLICT|fix conflicts|after resolving the conflicts|Automatic merge failed|could not apply|unmerged files/im, 'conflicts'],
  [/divergent branches/, 'rejected', 'The branch here and the one there have both moved on. Choose how they come together.'],
  [
    /non-fast-forward|fetch first|stale info|remote ref updated since checkout/,
    'rejected',
    'There are commits that are not here yet. Pull first.',
  ],
  [/no upstream branch|no tracking information/, 'no-upstream', 'This branch has no counterpart on a remote yet.'],
  [/not fully merged/, 'unmerged', 'The branch has commits that are on no other.'],
  [
    /nothing to commit|nothing added to commit|no changes added|No local changes/,
    'nothing',
    'There is nothing to do: nothing has changed.',
  ],
];

/** What failed, in words for people. @param said all that git printed */
export function failureOf(said: string): GitRefused {
  const text = withoutProxy(said);
  const [, why = 'other', words] = MEANINGS.find(([pattern]) => pattern.test(text)) ?? [];
  if (words !== undefined) return new GitRefused(why, words);
  // What a server or the way out says is told as "remote: …"; git itself then only knows a number.
  const [, remote] = /^remote: (.+)$/m.exec(text) ?? [];
  const isHttp = /The requested URL returned error/.test(text);
  return new GitRefused(why, remote !== undefined && isHttp ? remote.trim() : complaintOf(text));
}

/** Addresses as somebody wrote them, before git was pointed to its way out. */
const withoutProxy = (text: string): string => text.replaceAll(/http:\/\/127\.0\.0\.1:\d+\/(https?)\//g, '$1://');
