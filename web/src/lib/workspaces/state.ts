import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import type { Tone } from '#lib/components/Status.svelte';

export interface ShownState {
  tone: Tone;
  word: string;
  /** the second line: what is being done, or what is safe */
  detail: string;
  /** on its way to another state: its log is worth watching */
  moving: boolean;
  percent: number | null;
}

type Facts = Pick<Workspace, 'phase' | 'step' | 'percent' | 'runner' | 'desired'>;

/** How a workspace's state is told: a shape, a colour, a word and one line more. */
export function shownState({ phase, step, percent, runner, desired }: Facts): ShownState {
  const still = { moving: false, percent: null };
  if (desired === 'deleted' && phase !== 'deleted') {
    const detail = runner.online ? (step ?? 'Its files are being removed') : `Waits for ${runner.name}, which is offline`;
    return { tone: 'off', word: 'Deleting', detail, moving: runner.online, percent };
  }
  switch (phase) {
    case 'queued':
      return runner.online
        ? { tone: 'info', word: 'Queued', detail: `Waits for ${runner.name}`, moving: true, percent: null }
        : { ...still, tone: 'unknown', word: 'Waiting', detail: `${runner.name} is offline; it starts when the runner returns` };
    case 'starting':
      return { tone: 'info', word: percent === null ? 'Starting' : `Starting, ${percent} %`, detail: step ?? '', moving: true, percent };
    case 'stopping':
      return { tone: 'info', word: 'Stopping', detail: step ?? '', moving: true, percent };
    case 'running':
      return runner.online
        ? { ...still, tone: 'ok', word: 'Running', detail: `On runner ${runner.name}` }
        : { ...still, tone: 'unknown', word: 'Unknown', detail: `${runner.name} is offline; the workspace may still be running` };
    case 'stopped':
      return { ...still, tone: 'off', word: 'Stopped', detail: 'Nothing is lost: files are kept' };
    case 'failed':
      // What was to be at rest, and is not as wanted: a restore, or a runner that was removed.
      if (desired === 'stopped') return { ...still, tone: 'bad', word: 'Stopped, with a problem', detail: '' };
      return { ...still, tone: 'bad', word: 'Could not start', detail: step === null ? '' : `Ended at: ${step}` };
    case 'deleted':
      return { ...still, tone: 'off', word: 'Deleted', detail: '' };
  }
}

/** A day, without its year. */
export const dayWords = (at: string): string => new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short' });

/** What a row says of a newer version. */
export function updateWords(update: NonNullable<Workspace['update']>, now: number): string {
  if (update.requiredFrom === null) return 'Update available';
  if (Date.parse(update.requiredFrom) <= now) return 'Updates at the next start';
  return `Update by ${dayWords(update.requiredFrom)}`;
}
