import type { ProvisioningCall } from '@gatehouse/core/api/scim.ts';
import type { Tone } from '#lib/components/Status.svelte';
import { plural } from '#lib/time.ts';

/** How a call went, at a glance. */
export function stateOf({ status, changes }: ProvisioningCall): { tone: Tone; word: string } {
  if (status >= 400) return { tone: 'bad', word: String(status) };
  return changes.length > 0 ? { tone: 'ok', word: 'Done' } : { tone: 'off', word: 'No change' };
}

const ACTS: Record<string, string> = { POST: 'Create', PUT: 'Replace', PATCH: 'Change', DELETE: 'Remove', GET: 'Read' };
/** "Change group Engineers" */
export const titleOf = ({ method, resource }: ProvisioningCall): string =>
  `${ACTS[method] ?? method} ${resource.type === 'User' ? '' : 'group '}${resource.name}`;

/** "3 changes", or why nothing was done. */
export function summaryOf({ error, note, changes, more }: ProvisioningCall): string {
  if (error) return error.detail;
  if (note !== null) return note;
  const count = changes.length + more;
  if (count === 0) return 'It was so already';
  const [first] = changes;
  return count === 1 && first ? first.path : plural(count, 'change');
}

/** A value as people read it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && 'name' in value && typeof value.name === 'string') return value.name;
  return JSON.stringify(value);
}

/** A body as it was sent, on lines of its own where it is whole. */
export function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return `${body}…`;
  }
}
