import { AUDIT_ACTIONS, type AuditAction, type AuditEvent, type AuditOrigin } from '@gatehouse/core/audit/event.ts';
import type { Tone } from '#lib/components/Status.svelte';

type Outcome = AuditEvent['outcome'];

/** What is normal is grey and without a shape: three refusals among a thousand rows are seen at once. */
export const OUTCOME_SHOWN: Record<Outcome, { word: string; tone: Tone | null }> = {
  success: { word: 'Done', tone: null },
  failure: { word: 'Failed', tone: 'warn' },
  denied: { word: 'Refused', tone: 'bad' },
};

/** "template.acl.update" → "changed who may use template …" */
export const actionWords = (action: AuditAction): string => AUDIT_ACTIONS[action].done.replace('{resource}', '…');

/** "London, GB · Chrome 143, macOS 26"; the address when the place is unknown */
export function originWords(origin: AuditOrigin | null): string {
  if (origin === null) return 'Gatehouse';
  const place = [origin.city, origin.country].filter(Boolean).join(', ') || origin.ip;
  const client = [origin.browser, origin.os].filter(Boolean).join(', ');
  return [place, client].filter(Boolean).join(' · ') || 'Unknown';
}

/** One side of a change, a line for each part of a list; nothing for what was not there. */
export function valueLines(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((part) => valueLines(part));
  if (typeof value === 'string') return value.split('\n');
  if (typeof value !== 'object') return [String(value)];
  const parts = Object.entries(value).filter(([, part]) => part !== null);
  return [parts.map(([name, part]) => `${name} ${typeof part === 'object' ? JSON.stringify(part) : String(part)}`).join(', ')];
}
