import ipaddr from 'ipaddr.js';
import type { AuditEvent, AuditOrigin } from './event.ts';

/** What an exported event names besides itself. */
export interface ExportContext {
  tenant: { id: string; name: string };
  /** Gatehouse's own */
  version: string;
}

/** Without what says nothing: null, undefined, and objects and lists that hold nothing else. */
export function compact(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, value]) => {
      const kept = isPlain(value) ? compact(value) : value;
      return isNothing(kept) ? [] : [[key, kept]];
    }),
  );
}

const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);

/** The address, if it is one: both schemas take no other text there. */
export function addressOf(origin: Pick<AuditOrigin, 'ip'> | null): string | null {
  const ip = origin?.ip ?? null;
  return ip !== null && ipaddr.isValid(ip) ? ipaddr.parse(ip).toString() : null;
}

/** "AS64500 Example Ltd" in its parts. */
export function asnOf({ asn }: Pick<AuditOrigin, 'asn'>): { number: number; name: string | null } | null {
  const [, number, name] = /^AS(\d+)(?: (.*))?$/.exec(asn ?? '') ?? [];
  return number === undefined ? null : { number: Number(number), name: name ?? null };
}

export interface Holder {
  id: string;
  name: string;
  type: 'user' | 'group' | 'service-account';
}

/** Whoever got or lost what the event gives; null where it names nobody, as a refused attempt may. */
export function holderOf({ details }: Pick<AuditEvent, 'details'>): Holder | null {
  const id = details['subjectId'] ?? details['person'];
  if (typeof id !== 'string') return null;
  const type = details['subjectType'];
  return {
    ...{ id, name: String(details['subject'] ?? details['name'] ?? id) },
    type: type === 'group' || type === 'service-account' ? type : 'user',
  };
}
