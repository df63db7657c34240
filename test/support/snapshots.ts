import { randomBytes } from 'node:crypto';
import { DEFAULT_IGNORE } from '@gatehouse/core/api/snapshots.ts';
import { insertStore, storeChoice } from '../../worker/workspaces/snapshot-stores.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { countUp, insertHome, keyAddress } from '../../worker/workspaces/snapshots.store.ts';
import { makeRunning, makeSite } from './site.ts';
import { call, services, type Answer, type Tenant } from './tenants.ts';
import { insertWorkspace } from './workspaces.ts';

/** Snapshots go to the service's own store, straight in the store. */
export async function turnOn(tenant: Tenant): Promise<string> {
  const id = services().newId('snapshotStore');
  await tenant.db.batch([
    insertStore(tenant.db, { id, bucket: null, secret: null, createdAt: new Date().toISOString() }),
    storeChoice(tenant.db, { store_id: id, every_hours: null, ignored: DEFAULT_IGNORE, revision: 0 }),
  ]);
  return id;
}

/** A finished snapshot of a workspace, without chunks. @returns its id */
export async function insertSnapshot(tenant: Tenant, workspaceId: string, storeId: string): Promise<string> {
  const id = services().newId('snapshot');
  const key = await services().secrets.seal(tenant.db, keyAddress(workspaceId), randomBytes(32).toString('base64url'));
  await tenant.db.batch([
    insertHome(tenant.db, workspaceId, key),
    statement(
      `INSERT INTO snapshots (tenant_id, id, workspace_id, seq, state, cause, runner_id, store_id, started_at, ended_at, exact, manifest_bytes)
       SELECT ?1, ?2, w.id, (SELECT coalesce(max(s.seq), 0) + 1 FROM snapshots s WHERE s.tenant_id = ?1 AND s.workspace_id = w.id), 'done', 'stop', w.runner_id, ?3, ?4, ?4, 1, 100
       FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?5`,
      ...[tenant.id, id, storeId, new Date().toISOString(), workspaceId],
    ),
    countUp(tenant.db, workspaceId),
  ]);
  return id;
}

/** A stopped workspace of the owner's with a finished snapshot. */
export async function insertKept(tenant: Tenant): Promise<{ workspaceId: string; snapshotId: string }> {
  const workspaceId = await insertWorkspace(tenant);
  await tenant.db.batch([statement(`UPDATE runners SET understands = '["snapshots"]' WHERE tenant_id = ?`, tenant.id)]);
  return { workspaceId, snapshotId: await insertSnapshot(tenant, workspaceId, await turnOn(tenant)) };
}

/** A running workspace of a tenant that keeps snapshots, and its runner's way to the service. */
export async function makeKeeping(turn: (tenant: Tenant) => Promise<unknown> = turnOn) {
  const site = await makeSite();
  await turn(site.tenant);
  const workspace = await makeRunning(site);
  const headers = { Authorization: `Bearer ${site.runner.token}` };
  const asRunner = (method: string, path: string, body?: unknown, other: Record<string, string> = {}): Promise<Answer> =>
    call(method, `/runner/snapshots/${path}`, { body, headers: { ...headers, ...other } });
  const binary = { 'Content-Type': 'application/octet-stream' };
  const put = (path: string, content: string): Promise<Answer> => asRunner('PUT', path, content, binary);
  return { site, workspace, asRunner, put, headers };
}

/** An id of a chunk that says which one it is. */
export const chunkNamed = (name: string): string => name.padEnd(43, '-');
/** What passes for sealed: longer than a seal alone. */
export const sealedAs = (text: string): string => text.padEnd(40, '.');
export const done = { outcome: 'done', isExact: true, files: 1, bytes: 5, chunks: 1, sent: 40 };
export const nothing = { count: 0, names: [] };
export const endOf = (change: object = {}) => ({ ...done, changed: nothing, leftOut: nothing, ...change });
