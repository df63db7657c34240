import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { openCheckpoint } from '../../../core/audit/checkpoint.ts';
import { linesOf } from '../../../core/audit/export-lines.ts';
import { leafHash, verifyConsistency, verifyInclusion, type Sha256 } from '../../../core/audit/merkle.ts';
import { parseNote, parseVerifierKey } from '../../../core/audit/note.ts';
import { erasedLine } from '../../../core/audit/proof-lines.ts';
import { verifyExport } from '../../../core/audit/verify.ts';
import { archiveSegment } from '../../../worker/audit/archive.ts';
import { TELL_EVERY_MS } from '../../../worker/audit/ledger.checkpoint.ts';
import {
  isTreeComplete,
  proveConsistency,
  proveInclusion,
  treeAt,
  UPGRADE_LEAVES,
  upgradeTree,
} from '../../../worker/audit/ledger.tree.ts';
import { auditRoutes } from '../../../worker/audit/events.routes.ts';
import { proofRoutes } from '../../../worker/audit/proof.routes.ts';
import { routes } from '../../../worker/platform/route.ts';
import type { ProofBlock, SignedCheckpoint, TreeRefusal } from '../../../worker/platform/objects.ts';
import { auditApi } from '../../support/api.ts';
import { asLines } from '../../support/audit-export.ts';
import { draft, drafts, mintTenant, type TestTenant } from '../../support/audit.ts';

vi.setConfig({ testTimeout: 60_000 });

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const FORMER_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU',
  d: 'xaqN9D-fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc',
};
const NEXT_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'J4EX_BRMcjQPZ9DyMW6Dhs7_vyskKMnFH-98WX8dQm4',
  d: '9eV2fPFTMZUXYw8iaHa4bIFgzFg7wBN0TGvyVfXMDuU',
};

type Stub = TestTenant['ledger'];

/** Lets the ledger work with other settings, or without a queue that would take its segments. */
const withEnv = (ledger: Stub, change: object) =>
  runInDurableObject(
    ledger,
    (instance) => void Object.assign(instance, { env: { ...(Reflect.get(instance, 'env') as object), ...change } }),
  );
const quiet = (ledger: Stub) =>
  withEnv(ledger, { ARCHIVE_QUEUE: { sendBatch: async () => {} }, DELIVERY_QUEUE: { sendBatch: async () => {} } });

const found = <T extends object>(answer: T): Exclude<T, TreeRefusal> =>
  'refused' in answer ? expect.fail(String(answer.refused)) : (answer as Exclude<T, TreeRefusal>);
const checkpointOf = async (ledger: Stub, size?: number): Promise<SignedCheckpoint> => found(await ledger.checkpoint(size));
const keyOf = async (ledger: Stub) => parseVerifierKey((await ledger.checkpointKeys())[0]?.verifierKey ?? expect.fail('no key'));

/** A tenant whose segments go to the archive only when the test says so. */
async function quietTenant(count: number) {
  const tenant = mintTenant();
  await quiet(tenant.ledger);
  await tenant.append(...drafts(tenant.services, count));
  return tenant;
}

const eventsWith = async ({ events }: TestTenant, action: string) => (await events()).filter((event) => event.action === action);

describe('checkpoints', () => {
  test('are signed notes over size and root of the log, in its own name', async () => {
    const { ledger, tenantId } = await quietTenant(5);
    const { origin, size, root, note } = await checkpointOf(ledger);
    expect({ origin, size }).toEqual({ origin: `gatehouse.test/audit/${tenantId}`, size: 5 });
    expect(root).toBe((await ledger.status()).root);
    expect(await openCheckpoint(note, [await keyOf(ledger)])).toEqual({ origin, size, root: bytesOf(root) });
  });

  test('of any earlier size, the same each time; none beyond the end', async () => {
    const { ledger, append, services } = await quietTenant(3);
    const then = await checkpointOf(ledger);
    await append(...drafts(services, 4));
    expect((await checkpointOf(ledger, 3)).note).toBe(then.note);
    expect(await ledger.checkpoint(8)).toMatchObject({ refused: 'beyond', size: 7 });
  });

  test('another tenant’s key does not open it', async () => {
    const [one, other] = [await quietTenant(2), await quietTenant(2)];
    await expect(openCheckpoint((await checkpointOf(one.ledger)).note, [await keyOf(other.ledger)])).rejects.toThrow('None of the keys');
  });
});

describe('proofs read few rows', () => {
  test('at 100,000 events: no more than twice the tree’s height', { timeout: 120_000 }, async () => {
    const { ledger } = await quietTenant(1);
    const COUNT = 100_000;
    await runInDurableObject(ledger, (_, { storage }) => {
      storage.transactionSync(() => {
        storage.sql.exec(
          `WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
           INSERT INTO leaves (seq, hash) SELECT i, CAST(printf('%032d', i) AS BLOB) FROM n`,
          COUNT,
        );
        storage.sql.exec('UPDATE head SET size = ?', COUNT);
        storage.sql.exec("UPDATE nodes_upgrade SET built = 0, until = ?, frontier = x''", COUNT);
      });
      for (let steps = 0; !isTreeComplete(storage.sql); steps++) {
        expect(steps).toBeLessThan(COUNT / UPGRADE_LEAVES);
        upgradeTree(storage);
      }
      const { sql, read } = countingRows(storage.sql);
      const bound = 2 * Math.ceil(Math.log2(COUNT)) + 2;
      for (const work of [
        () => proveInclusion(sql, 1, COUNT),
        () => proveInclusion(sql, 99_999, COUNT),
        () => proveInclusion(sql, 65_537, 65_538),
        () => proveConsistency(sql, 1, COUNT),
        () => proveConsistency(sql, 77_777, COUNT),
        () => treeAt(sql, 99_999),
      ]) {
        const before = read();
        work();
        expect(read() - before).toBeLessThanOrEqual(bound);
      }
    });
  });
});

/** Counts what SQLite itself says it has read. */
function countingRows(sql: SqlStorage): { sql: SqlStorage; read: () => number } {
  let rows = 0;
  const exec = (query: string, ...bindings: unknown[]) => {
    const cursor = sql.exec(query, ...bindings);
    const all = cursor.toArray();
    rows += cursor.rowsRead;
    return all;
  };
  return { sql: { exec } as unknown as SqlStorage, read: () => rows };
}

describe('a ledger of a former version, which has leaves only', () => {
  test('makes its tree by and by, refuses proofs until then, and goes on recording meanwhile', async () => {
    const { ledger, append, services, events } = await quietTenant(40);
    const before = await checkpointOf(ledger);
    await runInDurableObject(ledger, (_, { storage }) => {
      storage.sql.exec('DROP TABLE nodes');
      storage.sql.exec('DROP TABLE nodes_upgrade');
    });
    await evictDurableObject(ledger);
    await quiet(ledger);
    expect(await ledger.checkpoint()).toMatchObject({ refused: 'incomplete', size: 40 });
    await append(...drafts(services, 7));
    expect(await runDurableObjectAlarm(ledger)).toBe(true);
    expect((await checkpointOf(ledger, 40)).note).toBe(before.note);
    const { root } = await ledger.status();
    expect((await checkpointOf(ledger)).root).toBe(root);
    const proof = found(await ledger.proveConsistency(40));
    expect(
      verifyConsistency(sha256, {
        first: 40,
        second: 47,
        firstRoot: bytesOf(before.root),
        secondRoot: bytesOf(root),
        proof: proof.proof.map(bytesOf),
      }),
    ).toBe(true);
    expect(await events()).toHaveLength(47);
  });
});

describe('in the archive', () => {
  const textOf = async (key: string) => (await (await env.AUDIT_ARCHIVE.get(key))?.text()) ?? expect.fail(`no ${key}`);
  const keysOf = async (prefix: string) => (await env.AUDIT_ARCHIVE.list({ prefix })).objects.map(({ key }) => key);
  const archive = async ({ ledger, services, tenantId }: TestTenant) => {
    await runDurableObjectAlarm(ledger);
    const segments = await runInDurableObject(ledger, (_, { storage }) =>
      storage.sql.exec<{ first: number; last: number }>('SELECT first, last FROM segments WHERE archived_at IS NULL').toArray(),
    );
    for (const { first, last } of segments) await archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first, last });
    return segments;
  };

  test('each segment lies beside what vouches for it, and a copy of both is verified', async () => {
    const tenant = await quietTenant(12);
    await archive(tenant);
    await tenant.append(...drafts(tenant.services, 9));
    await archive(tenant);
    const keys = await keysOf(`${tenant.tenantId}/`);
    const proofs = keys.filter((key) => key.endsWith('.proof'));
    expect(proofs.map((key) => key.split('/').at(-1))).toEqual(['000000000001-000000000012.proof', '000000000013-000000000021.proof']);
    async function* lines() {
      for (const proof of proofs) {
        for (const key of [proof, proof.replace('.proof', '.ndjson.gz')]) {
          const object = (await env.AUDIT_ARCHIVE.get(key)) ?? expect.fail(`no ${key}`);
          yield* linesOf(key === proof ? object.body : object.body.pipeThrough(new DecompressionStream('gzip')), key);
        }
      }
    }
    const verifiers = [await keyOf(tenant.ledger)];
    const latest = await textOf(`latest/${tenant.tenantId}/checkpoint`);
    const verdict = await verifyExport(lines(), { sha256, verifiers, checkpoints: [latest], whole: true });
    expect(verdict).toMatchObject({ ok: true, first: 1, last: 21, provenTo: 21, fault: null });
  });

  test('the latest checkpoint only grows, in whatever order segments arrive', async () => {
    const tenant = await quietTenant(4);
    await runDurableObjectAlarm(tenant.ledger);
    await tenant.append(...drafts(tenant.services, 3));
    await runDurableObjectAlarm(tenant.ledger);
    const { tenantId, services } = tenant;
    for (const [first, last] of [
      [5, 7],
      [1, 4],
    ] as const)
      await archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first, last });
    expect(parseNote(await textOf(`latest/${tenantId}/checkpoint`)).text.split('\n')[1]).toBe('7');
  });

  test('the same segment again changes nothing, and another checkpoint in its place is never overwritten', async () => {
    const tenant = await quietTenant(3);
    const { ledger, tenantId, services } = tenant;
    await runDurableObjectAlarm(ledger);
    await archive(tenant);
    const [key] = (await keysOf(`${tenantId}/`)).filter((each) => each.endsWith('.proof'));
    const there = await textOf(key ?? '');
    const again = () => runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('UPDATE segments SET archived_at = NULL'));
    await again();
    await archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first: 1, last: 3 });
    expect(await textOf(key ?? '')).toBe(there);
    await again();
    await env.AUDIT_ARCHIVE.put(
      key ?? '',
      there.replace(/\{"checkpoint.*\n/, `${JSON.stringify({ checkpoint: (await checkpointOf(ledger, 2)).note })}\n`),
    );
    await expect(archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first: 1, last: 3 })).rejects.toThrow(
      'Another checkpoint',
    );
    expect((await ledger.status()).archivedTo).toBe(0);
  });

  test.each(['.ndjson.gz', '.proof', '/checkpoint'])(
    'R2 fails at %s, before or after it has written: the next try makes all of it',
    async (name) => {
      for (const after of [false, true]) {
        const { ledger, tenantId, services } = await quietTenant(3);
        await runDurableObjectAlarm(ledger);
        const failing = new Proxy(env.AUDIT_ARCHIVE, {
          get: (bucket, property) => {
            const method: unknown = Reflect.get(bucket, property);
            if (property !== 'put') return typeof method === 'function' ? (method as () => unknown).bind(bucket) : method;
            return async (...args: Parameters<R2Bucket['put']>) => {
              const fails = String(args[0]).endsWith(name);
              if (!fails || after) await bucket.put(...args);
              if (fails) throw new Error('R2 is down');
            };
          },
        });
        const pointer = { tenantId, shard: 's0', first: 1, last: 3 };
        await expect(archiveSegment(failing, services, pointer)).rejects.toThrow('R2 is down');
        expect((await ledger.status()).archivedTo).toBe(0);
        await archiveSegment(env.AUDIT_ARCHIVE, services, pointer);
        expect((await ledger.status()).archivedTo).toBe(3);
        expect(await keysOf(`${tenantId}/`)).toHaveLength(2);
        expect(parseNote(await textOf(`latest/${tenantId}/checkpoint`)).text).toContain('\n3\n');
      }
    },
  );

  test('two that write the latest checkpoint at once: the larger one stays', async () => {
    const { ledger, tenantId, services, append } = await quietTenant(2);
    await runDurableObjectAlarm(ledger);
    await append(...drafts(services, 2));
    await runDurableObjectAlarm(ledger);
    await Promise.all(
      [
        [1, 2],
        [3, 4],
      ].map(([first = 0, last = 0]) => archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first, last })),
    );
    expect(parseNote(await textOf(`latest/${tenantId}/checkpoint`)).text).toContain('\n4\n');
  });

  test('a segment whose proof can’t be made yet is not archived, and comes again', async () => {
    const tenant = await quietTenant(3);
    await runDurableObjectAlarm(tenant.ledger);
    await runInDurableObject(
      tenant.ledger,
      (_, { storage }) => void storage.sql.exec("UPDATE nodes_upgrade SET until = 3, frontier = x''"),
    );
    const { tenantId, services, ledger } = tenant;
    const pointer = { tenantId, shard: 's0', first: 1, last: 3 };
    await expect(archiveSegment(env.AUDIT_ARCHIVE, services, pointer)).rejects.toThrow('still being made');
    await runDurableObjectAlarm(ledger);
    await archiveSegment(env.AUDIT_ARCHIVE, services, pointer);
    expect((await ledger.status()).archivedTo).toBe(3);
  });
});

describe('the SIEMs hold checkpoints, too', () => {
  const dueNow = (ledger: Stub) =>
    runInDurableObject(
      ledger,
      (_, { storage }) => void storage.sql.exec('UPDATE checkpoint_telling SET due_at = 1 WHERE due_at IS NOT NULL'),
    );
  const due = (ledger: Stub) =>
    runInDurableObject(
      ledger,
      (_, { storage }) => storage.sql.exec<{ due_at: number | null }>('SELECT due_at FROM checkpoint_telling').one().due_at,
    );

  test('as an event within an hour of whatever was recorded, which covers all before itself', async () => {
    const tenant = await quietTenant(3);
    const { ledger } = tenant;
    expect(((await due(ledger)) ?? 0) - Date.now()).toBeLessThanOrEqual(TELL_EVERY_MS);
    await dueNow(ledger);
    await runDurableObjectAlarm(ledger);
    const [event, ...more] = await eventsWith(tenant, 'audit.checkpoint');
    expect(more).toEqual([]);
    expect(event).toMatchObject({ seq: 4, outcome: 'success', actor: { type: 'system', name: 'Gatehouse' }, details: { size: 3 } });
    const note = String(event?.details['note']);
    expect(await openCheckpoint(note, [await keyOf(ledger)])).toMatchObject({ size: 3, root: bytesOf(String(event?.details['root'])) });
  });

  test('and then none, until something else is recorded: the log does not feed on itself', async () => {
    const tenant = await quietTenant(3);
    const { ledger, append, services } = tenant;
    for (let round = 0; round < 3; round++) {
      await dueNow(ledger);
      await runDurableObjectAlarm(ledger);
    }
    expect(await eventsWith(tenant, 'audit.checkpoint')).toHaveLength(1);
    expect(await due(ledger)).toBeNull();
    await append(draft(services));
    expect(await due(ledger)).not.toBeNull();
    await dueNow(ledger);
    await runDurableObjectAlarm(ledger);
    expect((await eventsWith(tenant, 'audit.checkpoint')).map(({ details }) => details['size'])).toEqual([3, 5]);
  });
});

describe('the signing key changes', () => {
  test('the change is an event, both keys are published, and what the old one signed stays verifiable', async () => {
    const tenant = await quietTenant(3);
    const { ledger } = tenant;
    const old = { checkpoint: await checkpointOf(ledger), key: await keyOf(ledger) };
    await withEnv(ledger, { CHECKPOINT_KEY: JSON.stringify(NEXT_KEY) });
    const { note, size } = await checkpointOf(ledger);
    expect(size).toBe(4);
    const [current, former, ...others] = await ledger.checkpointKeys();
    expect(others).toEqual([]);
    expect(current).toMatchObject({ until: null, signs: true, firstSize: 3 });
    expect(former).toMatchObject({ until: current?.since, signs: false, firstSize: 3 });
    expect(await eventsWith(tenant, 'audit.rotate_key')).toMatchObject([
      { seq: 4, actor: { type: 'system' }, details: { from: former?.verifierKey, to: current?.verifierKey } },
    ]);
    await expect(openCheckpoint(note, [old.key])).rejects.toThrow('None of the keys');
    expect((await openCheckpoint(note, [await keyOf(ledger)])).size).toBe(4);
    expect(await openCheckpoint(old.checkpoint.note, [await parseVerifierKey(former?.verifierKey ?? '')])).toMatchObject({ size: 3 });
    const consistency = found(await ledger.proveConsistency(3));
    expect(consistency.first.root).toBe(old.checkpoint.root);
  });

  test('for a while both may sign: whoever has only the old key goes on', async () => {
    const { ledger } = await quietTenant(2);
    await withEnv(ledger, { CHECKPOINT_KEY: JSON.stringify(FORMER_KEY) });
    const old = await keyOf(ledger);
    await withEnv(ledger, { CHECKPOINT_KEY: JSON.stringify(NEXT_KEY), CHECKPOINT_KEY_FORMER: JSON.stringify(FORMER_KEY) });
    const { note } = await checkpointOf(ledger);
    expect(parseNote(note).signatures).toHaveLength(2);
    expect((await openCheckpoint(note, [old])).size).toBe((await openCheckpoint(note, [await keyOf(ledger)])).size);
    expect((await ledger.checkpointKeys()).map(({ signs }) => signs)).toEqual([true, true]);
  });
});

test('a ledger that is rebuilt from the archive proves the same, and knows who signed before', async () => {
  const tenant = await quietTenant(3);
  const { ledger, tenantId, services } = tenant;
  await checkpointOf(ledger);
  await withEnv(ledger, { CHECKPOINT_KEY: JSON.stringify(NEXT_KEY) });
  const before = await checkpointOf(ledger);
  const keys = (await ledger.checkpointKeys()).map(({ verifierKey }) => verifierKey);
  await runDurableObjectAlarm(ledger);
  await archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first: 1, last: 4 });
  await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('DELETE FROM checkpoint_keys'));
  await ledger.rebuild(tenantId, 's0');
  expect(await ledger.checkpoint()).toMatchObject({ refused: 'incomplete' });
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(ledger);
    expect(await ledger.rebuilding()).toBeNull();
  });
  expect((await checkpointOf(ledger)).note).toBe(before.note);
  expect((await ledger.checkpointKeys()).map(({ verifierKey }) => verifierKey)).toEqual(keys);
});

describe('by the API', () => {
  const reader = async (count: number) => {
    const tenant = await quietTenant(count);
    return { ...tenant, api: auditApi(tenant.as('auditor')) };
  };

  test('an event’s proof is enough to check it with nothing else', async () => {
    const { api, ledger } = await reader(9);
    const { status, body } = await api('GET', '/audit/proof?seq=4');
    expect(status).toBe(200);
    expect(body).toMatchObject({ seq: 4, checkpoint: { size: 10 } });
    expect(JSON.parse(body.event)).toMatchObject({ seq: 4, action: 'template.create' });
    const leaf = leafHash(sha256, sha256(Buffer.from(body.salt, 'hex'), Buffer.from(body.event)));
    expect(Buffer.from(leaf).toString('base64')).toBe(body.leafHash);
    const { size, root } = await openCheckpoint(body.checkpoint.note, [await keyOf(ledger)]);
    expect(verifyInclusion(sha256, { index: 3, size, leaf, root, proof: body.proof.map(bytesOf) })).toBe(true);
    expect((await api('GET', '/audit/proof?seq=4&size=5')).body.checkpoint.size).toBe(5);
  });

  test('an event that has left the hot index is proven from the archive; of one whose contents are gone the leaf remains', async () => {
    const { api, ledger, services, tenantId } = await reader(6);
    await runDurableObjectAlarm(ledger);
    const segments = await runInDurableObject(ledger, (_, { storage }) =>
      storage.sql.exec<{ first: number; last: number }>('SELECT first, last FROM segments').toArray(),
    );
    for (const { first, last } of segments) await archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first, last });
    const hot = (await api('GET', '/audit/proof?seq=2&size=6')).body;
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('DELETE FROM events WHERE seq <= 6'));
    expect((await api('GET', '/audit/proof?seq=2&size=6')).body).toEqual(hot);
    const { objects } = await env.AUDIT_ARCHIVE.list({ prefix: `${tenantId}/` });
    await env.AUDIT_ARCHIVE.delete(objects.map(({ key }) => key));
    expect((await api('GET', '/audit/proof?seq=2&size=6')).body).toEqual({ ...hot, salt: null, event: null });
  });

  test('consistency: from a kept checkpoint to the newest', async () => {
    const { api, append, services } = await reader(5);
    const kept = (await api('GET', '/audit/checkpoint')).body;
    await append(...drafts(services, 8));
    const { body } = await api('GET', `/audit/consistency?first=${kept.size}`);
    expect(body.first).toEqual({ size: kept.size, root: kept.root });
    expect(
      verifyConsistency(sha256, {
        first: kept.size,
        second: body.checkpoint.size,
        firstRoot: bytesOf(kept.root),
        secondRoot: bytesOf(body.checkpoint.root),
        proof: body.proof.map(bytesOf),
      }),
    ).toBe(true);
  });

  test('the checkpoint as text is the note, and the keys are those that open it', async () => {
    const { ledger, as } = await reader(2);
    const app = routes();
    const ctx = as('auditor');
    app.use('*', async (c, next) => {
      c.set('signedIn', ctx);
      await next();
    });
    app.route('/', proofRoutes);
    const response = await app.request('/audit/checkpoint', { headers: { Accept: 'text/plain' } });
    expect(response.headers.get('Content-Type')).toMatch(/^text\/plain/);
    const keys = (await (await app.request('/audit/keys')).json()) as { items: Array<{ verifierKey: string }> };
    const opened = await openCheckpoint(await response.text(), [await parseVerifierKey(keys.items[0]?.verifierKey ?? '')]);
    expect(opened.size).toBe((await ledger.status()).size);
  });

  test.each([
    ['/audit/proof', 422],
    ['/audit/proof?seq=0', 422],
    ['/audit/proof?seq=x', 422],
    ['/audit/proof?seq=5&size=4', 422],
    ['/audit/proof?seq=99', 404],
    ['/audit/proof?seq=1&size=99', 404],
    ['/audit/consistency', 422],
    ['/audit/consistency?first=0', 422],
    ['/audit/consistency?first=3&second=2', 422],
    ['/audit/consistency?first=99', 404],
    ['/audit/consistency?first=1&second=99', 404],
  ])('%s answers %i', async (path, status) => {
    const { api } = await reader(3);
    expect((await api('GET', path)).body.status).toBe(status);
  });

  test('while the tree of an old ledger is being made: try again', async () => {
    const { api, ledger } = await reader(3);
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec("UPDATE nodes_upgrade SET until = 3, frontier = x''"));
    for (const path of ['/audit/checkpoint', '/audit/proof?seq=1', '/audit/consistency?first=1'])
      expect((await api('GET', path)).body).toMatchObject({ status: 503 });
  });

  test('a member may not, and that is an event; showing an event is reading the log', async () => {
    const tenant = await quietTenant(3);
    const member = auditApi(tenant.as('member'));
    for (const path of ['/audit/checkpoint', '/audit/proof?seq=1', '/audit/consistency?first=1', '/audit/keys'])
      expect((await member('GET', path)).status).toBe(403);
    await vi.waitFor(async () =>
      expect((await eventsWith(tenant, 'audit.read')).filter(({ outcome }) => outcome === 'denied')).toHaveLength(4),
    );
    await auditApi(tenant.as('auditor'))('GET', '/audit/proof?seq=1');
    expect((await eventsWith(tenant, 'audit.read')).filter(({ outcome }) => outcome === 'success')).toHaveLength(1);
  });
});

test('what vouches for a block is refused beyond the end', async () => {
  const { ledger } = await quietTenant(3);
  expect(await ledger.proofBlock(2, 9)).toMatchObject({ refused: 'beyond', size: 3 });
  const block: ProofBlock = found(await ledger.proofBlock(2, 3));
  expect(
    block.ndjson
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line) as object)[0]),
  ).toEqual(['before', 'leaves', 'checkpoint']);
});

describe('an export with proofs', () => {
  /** The export as lines, as verify-audit would read it from a file. */
  async function exported({ as, ledger }: TestTenant, query = '') {
    const ctx = as('auditor');
    const app = routes();
    app.use('*', async (c, next) => {
      c.set('services', ctx);
      c.set('signedIn', ctx);
      await next();
    });
    app.route('/', auditRoutes);
    const response = await app.request(`/audit/export?format=proof${query}`);
    expect(response.status).toBe(200);
    const lines = (await response.text()).trimEnd().split('\n');
    const verdict = await verifyExport(asLines(lines), { sha256, verifiers: [await keyOf(ledger)] });
    return { lines, verdict };
  }

  test('of the whole log is verified, and an altered one is not', async () => {
    const tenant = await quietTenant(1_203);
    const { lines, verdict } = await exported(tenant);
    expect(verdict).toMatchObject({ ok: true, kind: 'log', first: 1, last: 1_203, provenTo: 1_203 });
    const place = lines.findIndex((line) => line.includes('"seq":1100,'));
    const altered = lines.with(place, (lines[place] ?? '').replace('Payments', 'payments'));
    expect((await verifyExport(asLines(altered), { sha256, verifiers: [await keyOf(tenant.ledger)] })).fault).toMatchObject({
      kind: 'altered',
      seq: 1_100,
    });
  });

  test('of the rest, after a connection that broke', async () => {
    expect((await exported(await quietTenant(30), '&after=12')).verdict).toMatchObject({ ok: true, first: 13, last: 30, provenTo: 30 });
  });

  test('with an event whose contents were erased from the archive', async () => {
    const { ledger, services, tenantId, ...tenant } = await quietTenant(6);
    await runDurableObjectAlarm(ledger);
    await archiveSegment(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', first: 1, last: 6 });
    const { objects } = await env.AUDIT_ARCHIVE.list({ prefix: `${tenantId}/` });
    const key = objects.find((object) => object.key.endsWith('.ndjson.gz'))?.key ?? expect.fail('no segment');
    const lines = gunzipSync(new Uint8Array((await (await env.AUDIT_ARCHIVE.get(key))?.arrayBuffer()) ?? expect.fail()))
      .toString()
      .split('\n');
    const { leafHash: leaf } = found(await ledger.proveInclusion(3));
    const erased = lines.with(2, erasedLine(3, bytesOf(leaf), '2026-11-26T00:00:00.000Z').trimEnd()).join('\n');
    await env.AUDIT_ARCHIVE.put(key, gzipSync(erased));
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('DELETE FROM events WHERE seq <= 6'));
    const { verdict } = await exported({ ledger, services, tenantId, ...tenant });
    expect(verdict).toMatchObject({ ok: true, first: 1, last: 6, erased: { count: 1, seqs: [3] } });
    expect((await auditApi(tenant.as('auditor'))('GET', '/audit/proof?seq=3')).body).toMatchObject({
      leafHash: leaf,
      salt: null,
      event: null,
    });
  });

  test('of chosen events: each has its own proof', async () => {
    const tenant = await quietTenant(5);
    await tenant.append(draft(tenant.services, { action: 'template.delete' }), draft(tenant.services));
    const { verdict, lines } = await exported(tenant, '&action=template.delete');
    expect(lines).toHaveLength(3);
    expect(verdict).toMatchObject({ ok: true, kind: 'selection', events: 1, first: 6, provenTo: 7 });
  });
});
