import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf, type Sha256 } from '@gatehouse/core/audit/merkle.ts';
import type { Server } from '../../scripts/server.ts';

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/**
 * A tenant's archive, read by its documentation alone (docs/audit-integration.md).
 * @returns the events' ids in the order of the archive, and the root of the tree over its lines in base64
 */
export async function readArchive(server: Server, tenantId: string): Promise<{ ids: string[]; root: string }> {
  const bucket = await server.archive();
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix: `${tenantId}/`, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.objects.map(({ key }) => key).filter((key) => key.endsWith('.ndjson.gz')));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  const ids: string[] = [];
  let frontier = EMPTY_FRONTIER;
  for (const key of keys.sort()) {
    const object = await bucket.get(key);
    if (!object) throw new Error(`The archive lists ${key} and has no such file`);
    for (const line of gunzipSync(await object.arrayBuffer())
      .toString()
      .trimEnd()
      .split('\n')) {
      const [, salt, event] = /^\{"salt":"([0-9a-f]{32})","event":(.*)\}$/s.exec(line) ?? [];
      if (salt === undefined || event === undefined) throw new Error(`${key} holds a line that is no event: ${line.slice(0, 200)}`);
      frontier = appendLeaf(sha256, frontier, leafHash(sha256, sha256(Buffer.from(salt, 'hex'), Buffer.from(event))));
      ids.push((JSON.parse(event) as { id: string }).id);
    }
  }
  return { ids, root: Buffer.from(rootOf(sha256, frontier)).toString('base64') };
}

/** Ids of outbox rows that still wait, in every database. */
export async function waitingOutbox(server: Server): Promise<unknown[]> {
  const rows = await Promise.all(
    (['DIRECTORY', 'SHARD_0'] as const).map(async (name) => {
      const database = await server.database(name);
      return (await database.prepare('SELECT id FROM outbox').all()).results;
    }),
  );
  return rows.flat();
}
