import type { AuditEvent } from './event.ts';

export const AUDIT_FORMATS = ['native', 'ocsf', 'ecs'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

export interface FormatContext {
  tenant: { id: string; name: string };
  version: string;
}

export function formatEvent(_format: AuditFormat, event: AuditEvent, _context: FormatContext): Record<string, unknown> {
  return event;
}
