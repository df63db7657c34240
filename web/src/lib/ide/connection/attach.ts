import { describeState } from '@gatehouse/core/api/workspace-states.ts';
import type { Attachment, Workspace } from '@gatehouse/core/api/workspaces.ts';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { dateTime } from '#lib/time.ts';
import type { Attach, AttachOutcome, ProofKey } from './ports.ts';

export interface WorkspaceApi {
  attach(key: ProofKey): Promise<Attachment>;
  get(): Promise<Workspace>;
}

/**
 * How to ask to be let in. Each attachment is an entry in the audit log, so while a workspace is not ready its
 * state is looked at instead, until asking makes sense again.
 * @param seen is told what the workspace looks like whenever that was read
 */
export function attachTo(api: WorkspaceApi, seen: (workspace: Workspace) => void): Attach {
  let lookFirst = false;
  const look = async (): Promise<AttachOutcome | null> => {
    const workspace = await api.get();
    seen(workspace);
    return readiness(workspace);
  };
  const ask = async (key: ProofKey): Promise<AttachOutcome> => {
    try {
      return { kind: 'admitted', attachment: await api.attach(key) };
    } catch (thrown) {
      const problem = asProblem(thrown);
      return problem.code === 'not-ready' ? ((await look()) ?? outcomeOf(problem)) : outcomeOf(problem);
    }
  };
  return async (key) => {
    try {
      const outcome = (lookFirst ? await look() : null) ?? (await ask(key));
      lookFirst = outcome.kind === 'waiting' || outcome.kind === 'ended';
      return outcome;
    } catch (thrown) {
      return outcomeOf(asProblem(thrown));
    }
  };
}

/** What keeps a person out of a workspace in this state; null when nothing does. */
export function readiness(workspace: Workspace): AttachOutcome | null {
  const { desired, percent, generation, step, mine, error } = workspace;
  const { kind, sentence: detail } = describeState(workspace, { mine, mayStopAll: false }, Date.now(), dateTime);
  const waiting = (reason: 'starting' | 'stopping' | 'runner-away', words: string): AttachOutcome => ({
    ...{ kind: 'waiting', reason, detail: words, percent },
  });
  switch (kind) {
    case 'running':
      return null;
    case 'deleted':
    case 'deleting':
    case 'lost-deleting':
      return ended('gone', 'This workspace was deleted.');
    case 'trashed':
      return ended('trashed', detail);
    case 'runner-removed':
    case 'runner-revoked':
      return ended('no-runner', detail);
    case 'stopped':
    case 'stop-script-failed':
      // Its runner has not heard of the next start yet.
      return desired === 'running' ? waiting('starting', 'Waking it up') : ended('stopped', detail);
    case 'queued':
    case 'starting':
      return waiting('starting', step ?? (generation === 1 ? 'Preparing it for the first time' : 'Waking it up'));
    case 'stopping':
      return waiting('stopping', step ?? 'Ending its programs');
    case 'in-line':
      return waiting('starting', detail);
    case 'late':
      return waiting(desired === 'running' ? 'starting' : 'stopping', detail);
    case 'waiting':
    case 'lost-starting':
    case 'lost-running':
    case 'lost-stopping':
      return waiting('runner-away', `${detail} This page goes on as soon as it is back.`);
    case 'clone-failed':
    case 'start-script-failed':
    case 'root-file-system-failed':
    case 'restore-failed':
    case 'policy-refused':
    case 'driver-missing':
    case 'connection-refused':
    case 'out-of-memory':
    case 'home-full':
    case 'machine-full':
    case 'killed':
    case 'failed':
      return ended('failed', [detail, error?.trim().split('\n')[0]].filter(Boolean).join(' '));
  }
}

const ended = (why: 'gone' | 'failed' | 'stopped' | 'trashed' | 'no-runner', detail: string): AttachOutcome => ({
  ...{ kind: 'ended', why, detail, requestId: null },
});

function outcomeOf(problem: ApiProblem): AttachOutcome {
  const detail = problem.message;
  const refusal = { kind: 'ended', detail, requestId: problem.requestId } as const;
  switch (problem.code) {
    case 'not-ready':
      return { kind: 'waiting', reason: 'not-ready', detail, percent: null };
    case 'unavailable':
    case 'internal':
    case 'rate-limited':
      return { kind: 'unreachable', detail, answered: problem.requestId !== null, retryAfter: problem.retryAfter };
    case 'not-signed-in':
      return { ...refusal, why: 'signed-out' };
    case 'browser-only':
      return { ...refusal, why: 'unproved' };
    case 'presence-required':
      // A question, not a fault that somebody looks up.
      return { ...refusal, why: 'presence', requestId: null };
    case 'not-found':
    case 'gone':
      return { ...refusal, why: 'gone' };
    default:
      return { ...refusal, why: 'refused' };
  }
}
