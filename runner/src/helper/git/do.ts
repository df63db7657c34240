import type { GitSaid } from '@gatehouse/core/protocol/git-answers.ts';
import type { GitAction } from '@gatehouse/core/protocol/git.ts';
import { ServiceFailure } from '../../service-failure.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { act, type Outcome } from './actions.ts';
import { GitRefused } from './failures.ts';
import { Progress } from './progress.ts';
import type { Git } from './run.ts';

/** Does what changes a repository, telling how far it is; `done` or `failed` is the last word. */
export function doWork(
  gitIn: (folder: string) => Git,
  root: string,
  { repo, work }: { repo: string; work: GitAction },
  stream: Stream,
): StreamEvents {
  let over = false;
  const say = (said: GitSaid) => {
    if (!over) stream.message(said);
  };
  const progress = new Progress(say);
  const run = async () => {
    // A clone is to make its folder: it begins at the root.
    const git = gitIn(work.action === 'clone' ? '' : repo);
    stream.head({ ok: true });
    let outcome: Outcome | GitSaid;
    try {
      outcome = { kept: [], sha: null, ...(await act(git, root, repo, work, (text) => progress.hear(text))) };
    } catch (error) {
      outcome = failedBy(error, git.cancelled);
    }
    progress.end();
    say('kind' in outcome ? outcome : { kind: 'done', kept: outcome.kept ?? [], sha: outcome.sha ?? null });
    if (!over) stream.fin();
  };
  run().catch((error: unknown) => stream.fail(error));
  return { reset: () => void (over = true) };
}

function failedBy(error: unknown, cancelled: boolean): GitSaid {
  if (cancelled) return { kind: 'failed', why: 'cancelled', message: 'It was cancelled.' };
  if (error instanceof GitRefused) return { kind: 'failed', why: error.why, message: error.message };
  if (error instanceof ServiceFailure) return { kind: 'failed', why: 'other', message: error.message };
  return { kind: 'failed', why: 'other', message: error instanceof Error ? error.message : String(error) };
}
