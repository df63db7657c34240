import { eventCsvHeader, eventCsvLine } from '@gatehouse/core/audit/csv.ts';
import { auditEvent } from '@gatehouse/core/audit/event.ts';
import { formatEvent } from '@gatehouse/core/audit/formats.ts';
import type { Context } from '../platform/context.ts';
import { VERSION } from '../platform/deployment.routes.ts';

/** How events are written as text, one a line. */
export interface Writing {
  contentType: string;
  /** name of a file of it */
  extension: string;
  header: string;
  /** @param body the event's JSON, or the archive's line where that is what is written */
  line(body: string): string;
}

/** The writing of a form; `proof` passes on the lines that the archive has. */
export function writingOf(ctx: Pick<Context, 'tenant'>, form: 'ndjson' | 'csv' | 'ocsf' | 'proof'): Writing {
  const ndjson = { contentType: 'application/x-ndjson; charset=utf-8', extension: 'ndjson', header: '' };
  const { id, name } = ctx.tenant;
  switch (form) {
    case 'ndjson':
    case 'proof':
      return { ...ndjson, line: (body) => `${body}\n` };
    case 'ocsf':
      return {
        ...ndjson,
        line: (body) => `${JSON.stringify(formatEvent('ocsf', parsed(body), { tenant: { id, name }, version: VERSION }))}\n`,
      };
    case 'csv':
      return {
        ...{ contentType: 'text/csv; charset=utf-8; header=present', extension: 'csv', header: eventCsvHeader },
        line: (body) => eventCsvLine(parsed(body)),
      };
  }
}

const parsed = (body: string) => auditEvent.parse(JSON.parse(body));
