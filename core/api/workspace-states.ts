import { z } from 'zod';
import { FAILURES, type WORKSPACE_PHASES, type WorkspaceLine } from '../protocol/workspace-phases.ts';
import { lineWords } from './workspace-line.ts';

/** Deleted workspaces can be restored for so many days. */
export const TRASH_DAYS = 7;
/** Without a sign for so long, something that is under way is said to be late. */
export const LATE_AFTER_MINUTES = 15;

/**
 * What a person can do about a state. `restore-home` is the place of a home's copy on another runner: shown where there is
 * something that does it.
 */
export const WAYS = ['open', 'start', 'restart', 'stop', 'log', 'update', 'restore', 'purge', 'restore-home', 'ask', 'delete'] as const;
export type Way = (typeof WAYS)[number];

type Failure = (typeof FAILURES)[number] | 'runner-removed';

/** What a state is made out from. */
export interface StateFacts {
  desired: 'running' | 'stopped' | 'deleted';
  phase: (typeof WORKSPACE_PHASES)[number];
  failure: Failure | null;
  step: string | null;
  /** when phase or step last changed */
  changedAt: string | null;
  trash: { at: string; until: string } | null;
  runner: { name: string; online: boolean; drain: object | null; revoked: boolean; removed: boolean; lastSeenAt: string | null };
  /** where it stands in line before its runner */
  line: WorkspaceLine | null;
}

export const STATE_KINDS = [
  'queued',
  'in-line',
  'waiting',
  'starting',
  'running',
  'stopping',
  'stopped',
  'late',
  'lost-starting',
  'lost-running',
  'lost-stopping',
  'trashed',
  'deleting',
  'lost-deleting',
  'deleted',
  ...FAILURES,
  'runner-removed',
  'runner-revoked',
] as const;
export type StateKind = (typeof STATE_KINDS)[number];

export const STATE_TONES = ['ok', 'info', 'off', 'bad', 'unknown'] as const;

interface StateMeaning {
  word: string;
  tone: (typeof STATE_TONES)[number];
  /** on its way to another state, with news that are worth watching */
  moving: boolean;
  /** @param at how a time is written */
  sentence(facts: StateFacts, at: (time: string) => string): string;
  /** the first is the one to offer first */
  ways: readonly Way[];
}

const KEPT = 'Files are kept.';
const away = ({ runner }: StateFacts, at: (time: string) => string): string =>
  runner.lastSeenAt === null ? `Runner ${runner.name} is offline` : `Runner ${runner.name} is offline since ${at(runner.lastSeenAt)}`;
const failed = (word: string, sentence: string, ways: readonly Way[]): StateMeaning => ({
  ...{ word, tone: 'bad', moving: false, ways },
  sentence: () => `${sentence} ${KEPT}`,
});

/** Each state of a workspace: what it is called, what it means, and the ways out of it. */
export const WORKSPACE_STATES: Record<StateKind, StateMeaning> = {
  queued: {
    ...{ word: 'Queued', tone: 'info', moving: true, ways: ['log', 'stop', 'delete'] },
    sentence: ({ runner }) => `It waits for ${runner.name}.`,
  },
  'in-line': {
    ...{ word: 'In line', tone: 'info', moving: true, ways: ['stop', 'log', 'delete'] },
    sentence: ({ line, runner }) => (line === null ? 'It waits for a place.' : `${lineWords(line, runner)}.`),
  },
  waiting: {
    ...{ word: 'Waiting', tone: 'unknown', moving: false, ways: ['stop', 'ask', 'delete'] },
    sentence: (facts, at) => `${away(facts, at)}; it starts when the runner returns.`,
  },
  starting: {
    ...{ word: 'Starting', tone: 'info', moving: true, ways: ['log', 'stop', 'restart', 'delete'] },
    sentence: ({ step }) => step ?? 'It is being started.',
  },
  running: {
    ...{ word: 'Running', tone: 'ok', moving: false, ways: ['open', 'stop', 'restart', 'log', 'delete'] },
    sentence: ({ runner }) => `On runner ${runner.name}.`,
  },
  stopping: {
    ...{ word: 'Stopping', tone: 'info', moving: true, ways: ['log', 'restart', 'delete'] },
    sentence: ({ step }) => step ?? 'Its programs are being ended.',
  },
  stopped: {
    ...{ word: 'Stopped', tone: 'off', moving: false, ways: ['start', 'log', 'delete'] },
    sentence: () => `Nothing runs. ${KEPT}`,
  },
  late: {
    ...{ word: 'Late', tone: 'unknown', moving: true, ways: ['log', 'restart', 'stop', 'ask', 'delete'] },
    sentence: ({ desired, changedAt, step }, at) =>
      `No news since ${changedAt === null ? 'long ago' : at(changedAt)}${step === null ? '' : ` (“${step}”)`}. ${
        desired === 'running' ? 'It may still be at work: its log shows. If not, restart it.' : 'It should have stopped by now.'
      }`,
  },
  'lost-starting': {
    ...{ word: 'Unknown', tone: 'unknown', moving: false, ways: ['stop', 'log', 'restore-home', 'ask', 'delete'] },
    sentence: (facts, at) => `${away(facts, at)}; it was being started, and is started again when the runner returns.`,
  },
  'lost-running': {
    ...{ word: 'Unknown', tone: 'unknown', moving: false, ways: ['stop', 'restart', 'log', 'restore-home', 'ask', 'delete'] },
    sentence: (facts, at) => `${away(facts, at)}; the workspace may still be running there.`,
  },
  'lost-stopping': {
    ...{ word: 'Unknown', tone: 'unknown', moving: false, ways: ['log', 'restore-home', 'ask', 'delete'] },
    sentence: (facts, at) => `${away(facts, at)}; the workspace may still be running there, and is stopped when the runner returns.`,
  },
  trashed: {
    ...{ word: 'In the trash', tone: 'off', moving: false, ways: ['restore', 'log', 'purge'] },
    sentence: ({ trash, phase, runner }, at) => {
      const until = trash === null ? '' : `Its files are kept until ${at(trash.until)}.`;
      if (runner.removed) return `${until} Its runner was removed.`;
      if (runner.revoked) return `${until} Its runner was shut out.`;
      if (phase === 'stopped' || phase === 'failed') return until;
      return runner.online ? `${until} It is being stopped.` : `${until} It is stopped when its runner ${runner.name} returns.`;
    },
  },
  deleting: {
    ...{ word: 'Deleting', tone: 'off', moving: true, ways: [] },
    sentence: () => 'Its files are being removed.',
  },
  'lost-deleting': {
    ...{ word: 'Deleting', tone: 'unknown', moving: false, ways: ['ask'] },
    sentence: (facts, at) => `${away(facts, at)}; its files are removed when the runner returns.`,
  },
  deleted: {
    ...{ word: 'Deleted', tone: 'off', moving: false, ways: [] },
    sentence: () => 'It is gone, with its files.',
  },
  'clone-failed': failed('Could not start', 'The repository could not be cloned.', ['start', 'log', 'update', 'ask', 'delete']),
  'start-script-failed': failed('Could not start', 'The template’s start-up script failed.', ['start', 'log', 'update', 'ask', 'delete']),
  'stop-script-failed': {
    ...{ word: 'Stopped', tone: 'off', moving: false, ways: ['start', 'log', 'delete'] },
    sentence: () => `It is stopped, but its stop script failed: what that should have done may not be. ${KEPT}`,
  },
  'root-file-system-failed': failed('Could not start', 'The template’s root file system or image could not be used.', [
    ...(['start', 'log', 'update', 'ask', 'delete'] as const),
  ]),
  'restore-failed': failed('Not restored', 'The home could not be made from its snapshot; the one that was there stands.', [
    ...(['start', 'restore-home', 'log', 'ask', 'delete'] as const),
  ]),
  'policy-refused': failed('Refused', 'Its runner can’t keep to the policy that is in force, and so does not run it.', [
    ...(['start', 'log', 'ask', 'delete'] as const),
  ]),
  'driver-missing': failed('Could not start', 'Its runner does not have the sandbox that the template asks for.', [
    ...(['start', 'log', 'update', 'ask', 'delete'] as const),
  ]),
  'connection-refused': failed('Ended', 'Gatehouse did not let its runner serve it.', ['start', 'log', 'ask', 'delete']),
  'out-of-memory': failed('Ended', 'It needed more memory than it has.', ['start', 'log', 'ask', 'delete']),
  'home-full': failed('Ended', 'It holds more than its disk allows. Start it and delete what is not needed.', [
    ...(['start', 'log', 'ask', 'delete'] as const),
  ]),
  'machine-full': failed('Failed', 'The disk of its runner’s machine is full. Somebody must make room there.', [
    ...(['start', 'log', 'ask', 'restore-home', 'delete'] as const),
  ]),
  killed: failed('Ended', 'Its sandbox was ended from outside.', ['start', 'log', 'ask', 'delete']),
  failed: failed('Failed', 'It could not be started, or ended by itself.', ['start', 'log', 'update', 'ask', 'delete']),
  'runner-removed': {
    ...{ word: 'No runner', tone: 'bad', moving: false, ways: ['restore-home', 'ask', 'delete'] },
    sentence: ({ runner }) => `Its runner ${runner.name} was removed. The files stay on that machine; Gatehouse can’t reach them.`,
  },
  'runner-revoked': {
    ...{ word: 'Runner revoked', tone: 'bad', moving: false, ways: ['restore-home', 'ask', 'delete'] },
    sentence: ({ runner }) =>
      `Its runner ${runner.name} was shut out. The files stay on that machine; Gatehouse does not speak with it any more.`,
  },
};

/** The one state that a workspace is in. @param now milliseconds */
export function stateOf(facts: StateFacts, now: number): StateKind {
  const { desired, phase, failure, trash, runner } = facts;
  if (phase === 'deleted') return 'deleted';
  if (desired === 'deleted') return runner.online ? 'deleting' : 'lost-deleting';
  if (trash !== null) return 'trashed';
  if (runner.removed) return 'runner-removed';
  if (runner.revoked) return 'runner-revoked';
  switch (phase) {
    case 'queued':
      if (facts.line !== null) return runner.online ? 'in-line' : 'waiting';
      return !runner.online ? 'waiting' : isLate(facts, now) ? 'late' : 'queued';
    case 'starting':
      return !runner.online ? 'lost-starting' : isLate(facts, now) ? 'late' : 'starting';
    case 'running':
      return runner.online ? 'running' : 'lost-running';
    case 'stopping':
      return !runner.online ? 'lost-stopping' : isLate(facts, now) ? 'late' : 'stopping';
    case 'stopped':
      return failure === 'stop-script-failed' ? failure : 'stopped';
    case 'failed':
      return failure ?? 'failed';
  }
}

const isLate = ({ changedAt }: StateFacts, now: number): boolean =>
  changedAt !== null && now - Date.parse(changedAt) > LATE_AFTER_MINUTES * 60_000;

export const workspaceState = z.object({
  kind: z.enum(STATE_KINDS),
  word: z.string(),
  /** what it means, for a person */
  sentence: z.string(),
  /** what the caller can do about it, the first first */
  ways: z.array(z.enum(WAYS)),
});
export type WorkspaceState = z.infer<typeof workspaceState>;

/** Who looks at a workspace. */
export interface StateCaller {
  mine: boolean;
  /** may stop, delete and restore what is not theirs */
  mayStopAll: boolean;
}

function isOpenTo(way: Way, { mine, mayStopAll }: StateCaller): boolean {
  switch (way) {
    case 'open':
    case 'log':
    case 'ask':
      return true;
    case 'start':
    case 'restart':
    case 'update':
    case 'restore-home':
      return mine;
    case 'stop':
    case 'delete':
    case 'restore':
    case 'purge':
      return mine || mayStopAll;
  }
}

const inUtc = (time: string): string => `${time.slice(0, 16).replace('T', ' ')} UTC`;

/** The state with its sentence, and the ways that are open to the caller. @param now milliseconds @param at how a time is written */
export function describeState(facts: StateFacts, caller: StateCaller, now: number, at: (time: string) => string = inUtc): WorkspaceState {
  const kind = stateOf(facts, now);
  const { word, sentence, ways } = WORKSPACE_STATES[kind];
  return { kind, word, sentence: sentence(facts, at), ways: ways.filter((way) => isOpenTo(way, caller)) };
}

/** Until when something can be restored that was put into the trash then. */
export const trashedUntil = (trashedAt: string): string => new Date(Date.parse(trashedAt) + TRASH_DAYS * 86_400_000).toISOString();
