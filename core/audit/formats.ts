import { toEcs } from './ecs.ts';
import type { AuditEvent } from './event.ts';
import type { ExportContext } from './export.ts';
import { toOcsf } from './ocsf.ts';

/** Forms in which events leave: our own, OCSF 1.8.0, and Elastic's Common Schema. */
export const AUDIT_FORMATS = ['native', 'ocsf', 'ecs'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** The event in that form, ready for JSON. */
export function formatEvent(format: AuditFormat, event: AuditEvent, context: ExportContext): Record<string, unknown> {
  switch (format) {
    case 'native':
      return { ...event };
    case 'ocsf':
      return toOcsf(event, context);
    case 'ecs':
      return toEcs(event, context);
  }
}
