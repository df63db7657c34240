import type { GitSaid } from '@gatehouse/core/protocol/git-answers.ts';
import { gitSaid, gitStatus, type GitChange, type GitStatus } from '@gatehouse/core/protocol/git-answers.ts';
import type { GitAction } from '@gatehouse/core/protocol/git.ts';
import type { HelperHead } from '../../src/channel/helper-client.ts';
import type { HelperRequest } from '../../src/channel/requests.ts';
import type { Sandbox } from '../../src/sandbox/driver.ts';
import { runIn } from './sandbox.ts';

type Request = Extract<HelperRequest, { method: `git.${string}` }>;

export interface GitAnswer {
  head: HelperHead;
  text: string;
  said: unknown[];
}

/** Asks the helper, and takes all that comes. */
export function askGit(sandbox: Sandbox, request: Request): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const answer: GitAnswer = { head: { ok: true }, text: '', said: [] };
    let got = 0;
    const stream = sandbox.helper.open(request, {
      head: (head) => {
        answer.head = head;
        if (!head.ok) resolve(answer);
      },
      data: (bytes) => {
        pieces.push(Buffer.from(bytes));
        stream.ack((got += bytes.byteLength));
      },
      message: (value) => answer.said.push(value),
      fin: () => {
        answer.text = Buffer.concat(pieces).toString();
        resolve(answer);
      },
      gone: () => reject(new Error('gone')),
    });
  });
}

/** One repository of a workspace, as the page uses it. */
export class TestRepository {
  readonly sandbox: Sandbox;
  readonly folder: string;

  constructor(sandbox: Sandbox, folder: string) {
    this.sandbox = sandbox;
    this.folder = folder;
  }

  /** Runs a script in its folder. @returns what it printed */
  async sh(script: string): Promise<string> {
    const { code, output } = await runIn(this.sandbox, `set -e; cd '${this.folder}'; ${script}`);
    if (code !== 0) throw new Error(`${script}: ${output}`);
    return output;
  }

  async json(request: Request): Promise<unknown> {
    const { head, text } = await askGit(this.sandbox, request);
    if (!head.ok) throw new Error(head.message);
    return JSON.parse(text);
  }

  async status(): Promise<GitStatus> {
    return gitStatus.parse(await this.json({ method: 'git.status', repo: this.folder }));
  }

  /** "M. path" of each change */
  async letters(): Promise<string[]> {
    const word = ({ kind, index, worktree, path }: GitChange) => `${kind === 'conflict' ? '!' : ''}${index}${worktree} ${path}`;
    return (await this.status()).changes.map(word).sort();
  }

  async do(work: GitAction): Promise<Exclude<GitSaid, { kind: 'progress' | 'output' }>> {
    const { head, said } = await askGit(this.sandbox, { method: 'git.do', repo: this.folder, work });
    if (!head.ok) throw new Error(head.message);
    const last = gitSaid.parse(said.at(-1));
    if (last.kind === 'done' || last.kind === 'failed') return last;
    throw new Error('It did not come to an end');
  }

  /** Does what is to succeed. */
  async done(work: GitAction): Promise<Extract<GitSaid, { kind: 'done' }>> {
    const last = await this.do(work);
    if (last.kind === 'failed') throw new Error(`${work.action}: ${last.message}`);
    return last;
  }

  /** Why what is not to succeed did not. */
  async refusal(work: GitAction): Promise<string> {
    const last = await this.do(work);
    return last.kind === 'failed' ? `${last.why}: ${last.message}` : 'done';
  }

  async show(path: string, at: 'worktree' | 'index' | 'base' | 'ours' | 'theirs' | 'commit', commit: string | null = null) {
    const { head, text } = await askGit(this.sandbox, { method: 'git.show', repo: this.folder, path, at, commit });
    if (!head.ok) throw new Error(head.message);
    return { text, version: String(head['version']), why: head['why'] };
  }
}
