import { gunzipSync } from 'node:zlib';
import { auditEvent, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import type { Product } from './product.ts';

/** Every event in R2 of the one tenant of a product, in the order of its segments. */
export async function archivedEvents(product: Pick<Product, 'archive'>): Promise<AuditEvent[]> {
  const bucket = await product.archive();
  const { objects } = await bucket.list();
  const keys = objects.map(({ key }) => key).filter((key) => /^tnt_[^/]+\/\d{4}\/.*\.ndjson\.gz$/.test(key));
  const bodies = await Promise.all(keys.sort().map(async (key) => (await bucket.get(key))?.arrayBuffer()));
  return bodies
    .flatMap((body) => (body === undefined ? [] : gunzipSync(new Uint8Array(body)).toString().trimEnd().split('\n')))
    .map((line) => auditEvent.parse((JSON.parse(line) as { event: unknown }).event));
}
