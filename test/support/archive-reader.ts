import { env } from 'cloudflare:workers';
import { auditEvent, type AuditEvent } from '@gatehouse/core/audit/event.ts';

export interface ArchivedLine {
  salt: Uint8Array;
  /** the bytes that were hashed */
  body: Uint8Array;
  event: AuditEvent;
}

/** Reads an archived segment by the documentation alone (docs/audit-integration.md), not by the product's own code. */
export async function readSegmentLines(key: string): Promise<ArchivedLine[]> {
  const object = await env.AUDIT_ARCHIVE.get(key);
  if (!object) throw new Error(`The archive has no ${key}`);
  const text = await new Response(object.body.pipeThrough(new DecompressionStream('gzip'))).text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, salt = '', body = ''] = /^\{"salt":"([0-9a-f]{32})","event":(.*)\}$/s.exec(line) ?? [];
      return {
        salt: new Uint8Array(Buffer.from(salt, 'hex')),
        body: new TextEncoder().encode(body),
        event: auditEvent.parse(JSON.parse(body)),
      };
    });
}
