import type { AccessPath, AccessRequest } from '@gatehouse/core/api/access.ts';
import type { Tone } from '#lib/components/Status.svelte';
import { dateTime } from '#lib/time.ts';

/** "8 hours", "3 days" */
export function hoursWords(hours: number): string {
  if (hours % 24 !== 0) return `${hours} ${hours === 1 ? 'hour' : 'hours'}`;
  return hours === 24 ? '1 day' : `${hours / 24} days`;
}

/** What gives the role at the end of a path, after its groups. */
export function sourceWords({ by, groups }: Pick<AccessPath, 'by' | 'groups'>): string | null {
  if (by.kind === 'role') return `role ${by.name}`;
  if (by.subject === 'everyone') return 'Everyone';
  if (by.grantId !== null) return 'approved request';
  return groups.length === 0 ? 'own entry' : null;
}

export const endWords = (expiresAt: string | null): string => (expiresAt === null ? 'No end' : `Until ${dateTime(expiresAt)}`);

/** How often asked-for times are called. */
export const ASK_HOURS = [
  { label: '8 hours', hours: 8 },
  { label: '1 day', hours: 24 },
  { label: '1 week', hours: 168 },
  { label: '30 days', hours: 720 },
] as const;

export function requestState({ state, inForce }: Pick<AccessRequest, 'state' | 'inForce'>): { tone: Tone; word: string } {
  switch (state) {
    case 'open':
      return { tone: 'info', word: 'Waiting' };
    case 'approved':
      return inForce ? { tone: 'ok', word: 'Approved' } : { tone: 'off', word: 'Ended' };
    case 'denied':
      return { tone: 'bad', word: 'Denied' };
    case 'withdrawn':
      return { tone: 'off', word: 'Withdrawn' };
  }
}
