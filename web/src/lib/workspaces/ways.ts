import type { Way } from '@gatehouse/core/api/workspace-states.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import { route } from '#lib/route.ts';
import type { WorkspaceList } from './list.svelte.ts';

/** What the button of a way says. Null: nothing here does that yet. */
export const WAY_WORDS: Record<Way, string | null> = {
  open: 'Open',
  start: 'Start again',
  restart: 'Restart',
  stop: 'Stop',
  log: 'Read log',
  update: 'Change its version…',
  restore: 'Restore',
  purge: 'Delete now…',
  'restore-home': 'Restore a snapshot…',
  ask: 'Ask an administrator',
  delete: 'Delete',
};

/** What a way does: an address, or something to be done. */
export type WayActs = Partial<Record<Way, string | (() => unknown)>>;

/** The ways as the list of workspaces goes them; what runs is deleted only after a question. */
export const actsOf = (list: WorkspaceList, { id, phase }: Pick<Workspace, 'id' | 'phase'>): WayActs => ({
  open: route.ide(id),
  start: () => list.start(id),
  'restore-home': route.workspaceSnapshots(id),
  restart: () => list.restart(id),
  stop: () => list.stop(id),
  log: route.workspaceLog(id),
  update: route.updateWorkspace(id),
  restore: () => list.restore(id),
  purge: route.purgeWorkspace(id),
  delete: phase === 'running' ? route.deleteWorkspace(id) : () => list.removeAtOnce(id),
});
