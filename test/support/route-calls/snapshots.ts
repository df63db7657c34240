import { chunkNamed, endOf, insertKept, makeKeeping, sealedAs, turnOn } from '../snapshots.ts';
import { mintTenant, services, type Answer } from '../tenants.ts';
import { enrollRunner, connectControl } from '../runners.ts';
import { ifMatch, own, owner, type Ask, type Made, type RouteCall } from './call.ts';

const binary = { 'Content-Type': 'application/octet-stream' };
const PART = 'it is a part of what workspace.snapshot, at its end, is about';

/** A runner in the middle of a snapshot. */
function midway(
  work: (at: string, ask: (route: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>) => Promise<Answer>,
) {
  return async (_tenant: unknown, ask: Ask): Promise<Made> => {
    const { site, workspace, asRunner, headers } = await makeKeeping();
    const id = services().newId('snapshot');
    await asRunner('PUT', id, { workspaceId: workspace.id, cause: 'stop' });
    const answer = await work(`/runner/snapshots/${id}`, (route, body, more) => ask(null, route, body, { ...headers, ...more }));
    return { answer, on: workspace.id, by: { type: 'runner', id: site.runner.id }, sessionId: null, db: site.tenant.db };
  };
}

export const SNAPSHOTS_CALLS: Record<string, RouteCall> = {
  'POST /workspaces/:id/snapshots': {
    leaves: ['workspace.snapshot.ask'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      const { workspaceId } = await insertKept(tenant);
      return own(by, await ask(by, `POST /workspaces/${workspaceId}/snapshots`), workspaceId);
    },
  },
  'DELETE /workspaces/:id/snapshots/:snapshot': {
    leaves: ['workspace.snapshot.delete'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      const { workspaceId, snapshotId } = await insertKept(tenant);
      return own(by, await ask(by, `DELETE /workspaces/${workspaceId}/snapshots/${snapshotId}`), workspaceId);
    },
  },
  'POST /workspaces/:id/restore-home': {
    leaves: ['workspace.home.restore'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      const { workspaceId, snapshotId } = await insertKept(tenant);
      return own(by, await ask(by, `POST /workspaces/${workspaceId}/restore-home`, { snapshotId }), workspaceId);
    },
  },
  'POST /workspaces/:id/move': {
    leaves: ['workspace.move'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      const { workspaceId, snapshotId } = await insertKept(tenant);
      await connectControl(await enrollRunner(tenant));
      return own(by, await ask(by, `POST /workspaces/${workspaceId}/move`, { snapshotId }), workspaceId);
    },
  },
  'PUT /snapshot-settings': {
    leaves: ['snapshot.settings'],
    diff: ['store', 'everyHours'],
    call: async (_tenant, ask) => {
      const tenant = await mintTenant();
      const by = await owner(tenant);
      const settings = { store: 'service', everyHours: 4, ignore: ['.cache'] };
      return { ...own(by, await ask(by, 'PUT /snapshot-settings', settings, ifMatch(0)), tenant.id), db: tenant.db };
    },
  },
  'POST /snapshot-settings/test': {
    leaves: ['snapshot.test'],
    call: async (tenant, ask) => {
      await turnOn(tenant);
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /snapshot-settings/test'), tenant.id);
    },
  },
  'PUT /runner/snapshots/:id': {
    leaves: PART,
    call: async (_tenant, ask) => {
      const { site, workspace, headers } = await makeKeeping();
      const facts = { workspaceId: workspace.id, cause: 'stop' };
      const answer = await ask(null, `PUT /runner/snapshots/${services().newId('snapshot')}`, facts, headers);
      return { answer, on: null, by: { type: 'runner', id: site.runner.id }, sessionId: null, db: site.tenant.db };
    },
  },
  'POST /runner/snapshots/:id/claim': { leaves: PART, call: midway((at, ask) => ask(`POST ${at}/claim`, { chunks: [chunkNamed('a')] })) },
  'PUT /runner/snapshots/:id/chunks/:chunk': {
    leaves: PART,
    call: midway((at, ask) => ask(`PUT ${at}/chunks/${chunkNamed('a')}`, sealedAs('a'), binary)),
  },
  'PUT /runner/snapshots/:id/manifest': { leaves: PART, call: midway((at, ask) => ask(`PUT ${at}/manifest`, sealedAs('list'), binary)) },
  'POST /runner/snapshots/:id/end': {
    leaves: ['workspace.snapshot'],
    call: midway(async (at, ask) => {
      await ask(`PUT ${at}/chunks/${chunkNamed('a')}`, sealedAs('a'), binary);
      await ask(`PUT ${at}/manifest`, sealedAs('list'), binary);
      return ask(`POST ${at}/end`, endOf());
    }),
  },
};
