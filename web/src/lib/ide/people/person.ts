import type { Presence, ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { unique } from '../files/paths.ts';

/** Somebody who has the workspace open, in one page or several. */
export interface Person {
  userId: string;
  name: string;
  access: ViewerAccess;
  /** numbers of their pages */
  viewers: readonly number[];
  me: boolean;
  drives: boolean;
  asks: boolean;
}

/** The people whose pages the runner named: oneself first, then by name. @param me id of the user */
export function personsOf(presence: Presence | null, me: string): Person[] {
  if (presence === null) return [];
  const { driver, viewers } = presence;
  return unique(viewers.map(({ userId }) => userId))
    .map((id) => viewers.filter(({ userId }) => userId === id))
    .flatMap((pages) =>
      pages.slice(0, 1).map(({ userId, name, access }) => ({
        ...{ userId, name, access, me: userId === me, drives: userId === driver },
        viewers: pages.map(({ viewer }) => viewer),
        asks: pages.some(({ asks }) => asks),
      })),
    )
    .sort((a, b) => Number(b.me) - Number(a.me) || a.name.localeCompare(b.name));
}
