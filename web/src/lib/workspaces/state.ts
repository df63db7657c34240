import { describeState, WORKSPACE_STATES, type WorkspaceState } from '@gatehouse/core/api/workspace-states.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import type { Tone } from '#lib/components/Status.svelte';
import { session } from '#lib/session/session.svelte.ts';
import { dateTime } from '#lib/time.ts';

export interface ShownState extends Pick<WorkspaceState, 'kind' | 'ways'> {
  tone: Tone;
  word: string;
  /** the second line: what is being done, or what it means */
  detail: string;
  /** on its way to another state: its log is worth watching */
  moving: boolean;
  percent: number | null;
}

/** A workspace's state as it is now, in this browser's time: a shape, a colour, a word, a sentence and the ways out. */
export function shownState(workspace: Workspace, now = Date.now()): ShownState {
  const caller = { mine: workspace.mine, mayStopAll: session.can('workspace:stop-all') };
  const { kind, word, sentence, ways } = describeState(workspace, caller, now, dateTime);
  const { tone, moving } = WORKSPACE_STATES[kind];
  const percent = moving ? workspace.percent : null;
  return { kind, ways, tone, word: percent === null ? word : `${word}, ${percent} %`, detail: sentence, moving, percent };
}

/** What the machine said of a failure, line by line; the first says what failed. */
export const errorLines = ({ error }: Pick<Workspace, 'error'>): string[] => (error ?? '').trim().split('\n').filter(Boolean);

export const isoNow = (): string => new Date().toISOString();

/** A day, without its year. */
export const dayWords = (at: string): string => new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short' });

/** What a row says of a newer version. */
export function updateWords(update: NonNullable<Workspace['update']>, now: number): string {
  if (update.requiredFrom === null) return 'Update available';
  if (Date.parse(update.requiredFrom) <= now) return 'Updates at the next start';
  return `Update by ${dayWords(update.requiredFrom)}`;
}
