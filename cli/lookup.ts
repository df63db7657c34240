import { sameName } from '@gatehouse/core/access/config-file.ts';
import type { ConfigState } from '@gatehouse/core/access/config-state.ts';
import { BUILT_IN_ROLES } from '@gatehouse/core/access/permissions.ts';
import type { Api } from './api.ts';
import { Fault } from './fault.ts';

/** What is needed to take steps. `state` is kept as the steps make it. */
export interface Taking {
  api: Api;
  state: ConfigState;
}

/** What is under that name. The plan has looked at all names, so a missing one is a fault of ours. */
export function known<T>(all: ReadonlyMap<string, T>, name: string): T {
  const found = all.get(sameName(name));
  if (found === undefined) throw new Fault(`${name} was there when the plan was made, and is not any more.`);
  return found;
}

/** `user pat@example.com` or `group Devs` as the API names it. */
export function subjectOf(state: ConfigState, who: string): { type: 'user' | 'group'; id: string } {
  const name = who.slice(who.indexOf(' ') + 1);
  return who.startsWith('user ') ? { type: 'user', id: known(state.people, name) } : { type: 'group', id: known(state.groups, name).id };
}

export const roleIdOf = (state: ConfigState, role: string): string =>
  sameName(role) in BUILT_IN_ROLES ? sameName(role) : known(state.roles, role).id;
