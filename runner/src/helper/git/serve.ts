import { encodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { HelperRequest, HelperSettings } from '../../channel/requests.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { sendPaced } from '../paced.ts';
import { placeOf } from '../paths.ts';
import { blame } from './blame.ts';
import { doWork } from './do.ts';
import { readCommit, readLog } from './log.ts';
import { readRefs } from './refs.ts';
import { findRepositories } from './repositories.ts';
import { Git } from './run.ts';
import { show } from './show.ts';
import { readStatus } from './status.ts';
import { watchRepositories } from './watch.ts';

export type GitRequest = Extract<HelperRequest, { method: `git.${string}` }>;

/** All that the page asks of git. Everything runs in here, in the sandbox, with its limits. */
export function serveGit({ root, environment }: HelperSettings, request: GitRequest, stream: Stream): StreamEvents {
  const abort = new AbortController();
  const git = (folder: string) => new Git(environment, placeOf(root, folder), abort.signal);
  const ends = (events: StreamEvents): StreamEvents => ({
    ...events,
    reset: () => {
      abort.abort();
      events.reset?.();
    },
  });
  const answer = (work: () => Promise<object>) =>
    ends(sendPaced(stream, async () => ({ head: { ok: true }, bytes: encodeJson(await work()) })));
  switch (request.method) {
    case 'git.repositories':
      return answer(() => findRepositories(root, git('')));
    case 'git.watch':
      return watchRepositories(root, request.repos, stream);
    case 'git.status':
      return answer(() => readStatus(git(request.repo)));
    case 'git.refs':
      return answer(() => readRefs(git(request.repo)));
    case 'git.log':
      return answer(() => readLog(git(request.repo), request));
    case 'git.commit':
      return answer(() => readCommit(git(request.repo), request.commit));
    case 'git.show':
      return ends(
        sendPaced(stream, async () => {
          const { bytes, ...head } = await show(git(request.repo), request);
          return { head: { ok: true, ...head }, bytes };
        }),
      );
    case 'git.blame':
      return ends(sendPaced(stream, async () => ({ head: { ok: true }, bytes: await blame(git(request.repo), request.path) })));
    case 'git.do':
      return ends(doWork(git, root, request, stream));
  }
}
