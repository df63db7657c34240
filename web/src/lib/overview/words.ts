import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { Figure, SetupStep } from '@gatehouse/core/api/overview.ts';
import type { Destination } from '@gatehouse/core/api/audit.ts';
import { route } from '#lib/route.ts';
import { lastAttemptFailed } from '#lib/siem/words.ts';
import { count } from '#lib/time.ts';

/** Who holds one of these sees a part of the page. */
export const OVERVIEW_PARTS = ['user:read', 'workspace:read-all', 'runner:read', 'audit:read', 'siem:read'] as const satisfies Permission[];

export const SETUP_SHOWN: Record<SetupStep, { does: string; why: string; href: string }> = {
  'second-owner': {
    does: 'Make somebody else an owner',
    why: 'With one owner, nobody can help when that person loses access.',
    href: route.role('owner'),
  },
  'second-factor': { does: 'Require two factors', why: 'A stolen password is enough to get in today.', href: route.organisation() },
  runner: { does: 'Enrol and confirm a runner', why: 'Workspaces run on machines of yours, and none is ready.', href: route.runners() },
  template: { does: 'Make a template', why: 'People make their workspaces from templates.', href: route.newTemplate() },
  siem: {
    does: 'Send the audit log somewhere else, too',
    why: 'Then somebody else holds what happened, and is told of it.',
    href: route.newDestination(),
  },
};

/** "5,000+" where counting stopped. */
export const figureWords = (figure: Figure): string => `${count(figure.count)}${figure.more ? '+' : ''}`;

/** How much a destination needs somebody: 0 not at all. The list begins with those that do. */
export function urgencyOf(destination: Destination): number {
  switch (destination.state) {
    case 'held':
      return 4;
    case 'failing':
      return 3;
    case 'active':
      return lastAttemptFailed(destination) ? 2 : 0;
    case 'paused':
      return 1;
  }
}

/** The archive takes a segment within seconds; one that waits for so long is worth a word. */
const ARCHIVE_WAITS_MS = 5 * 60_000;
export const isArchiveLate = (waitsSince: string | null, now: number): boolean =>
  waitsSince !== null && now - Date.parse(waitsSince) > ARCHIVE_WAITS_MS;
