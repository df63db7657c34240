import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, vi } from 'vitest';
import { destinationCreated } from '@gatehouse/core/api/audit.ts';
import { ledgerOf } from '../../../worker/compose.ts';
import { mintHook } from '../doubles-client.ts';
import { makeFinding } from '../findings.ts';
import { api, eventsOf, mintTenant, read, services, unique } from '../tenants.ts';
import type { Tenant } from '../tenants.ts';
import { OPERATOR, owns, makes, type RouteCall } from './call.ts';

const HOOK = { type: 'webhook', url: 'https://siem.example.org/in' };
const makeReplaying = async (tenant: Tenant) => {
  const id = await makeDestination(tenant);
  await api(tenant.owner).post(`/siem-destinations/${id}/replay`, { from: 1 });
  return id;
};
/** It refused the first event, and takes it now. */
const makeSetAside = async (tenant: Tenant) => {
  const config = { type: 'webhook', url: mintHook().url };
  const { id } = read(await api(tenant.owner).post('/siem-destinations', { name: `SIEM ${unique()}`, config }), destinationCreated);
  const [{ id: eventId } = { id: '' }] = await eventsOf(tenant);
  await runInDurableObject(ledgerOf(env, services().settings, tenant.shard, tenant.id), (_, { storage }) => {
    storage.sql.exec(
      "INSERT INTO set_aside (destination_id, seq, event_id, action, time, at, reason) VALUES (?, 1, ?, 'tenant.create', '', 0, 'Refused')",
      ...[id, eventId],
    );
  });
  return id;
};
const makeDestination = async (tenant: Tenant) => {
  const { id } = read(await api(tenant.owner).post('/siem-destinations', { name: `SIEM ${unique()}`, config: HOOK }), destinationCreated);
  await api(tenant.owner).post(`/siem-destinations/${id}/pause`);
  return id;
};
const makeActiveDestination = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/siem-destinations', { name: `SIEM ${unique()}`, config: HOOK }), destinationCreated).id;

export const AUDIT_CALLS: Record<string, RouteCall> = {
  'POST /operator/tenants/:id/ledger/rebuild': {
    leaves: ['audit.rebuild'],
    call: async (_tenant, ask) => {
      const theirs = await mintTenant();
      const ledger = ledgerOf(env, services().settings, theirs.shard, theirs.id);
      const until = (done: () => Promise<boolean>) =>
        vi.waitFor(
          async () => {
            await runDurableObjectAlarm(ledger);
            expect(await done()).toBe(true);
          },
          { timeout: 20_000, interval: 200 },
        );
      await until(async () => {
        const { size, archivedTo } = await ledger.status();
        return size === archivedTo;
      });
      const answer = await ask(null, `POST /operator/tenants/${theirs.id}/ledger/rebuild`, undefined, OPERATOR);
      await until(async () => (await ledger.rebuilding()) === null);
      return { answer, on: null, db: theirs.db, by: { type: 'operator', id: null }, sessionId: null };
    },
  },
  'POST /detections/findings/:id/move': {
    leaves: ['finding.resolve'],
    diff: ['state', 'note'],
    call: owns('POST /detections/findings/:id/move', makeFinding, { from: 'open', to: 'resolved', note: 'It was Ines' }),
  },
  'POST /siem-destinations': {
    leaves: ['siem.create'],
    diff: ['name', 'type', 'url', 'secret'],
    call: makes('POST /siem-destinations', () => ({ name: `SIEM ${unique()}`, config: HOOK })),
  },
  'PATCH /siem-destinations/:id': {
    leaves: ['siem.update'],
    diff: ['name', 'secret'],
    call: owns('PATCH /siem-destinations/:id', makeDestination, {
      name: 'Other',
      secret: `whsec_${btoa('a signing secret of 32 bytes, yes')}`,
    }),
  },
  'DELETE /siem-destinations/:id': {
    leaves: ['siem.delete'],
    diff: ['name', 'type', 'url', 'secret'],
    call: owns('DELETE /siem-destinations/:id', makeDestination),
  },
  'POST /siem-destinations/:id/pause': { leaves: ['siem.pause'], call: owns('POST /siem-destinations/:id/pause', makeActiveDestination) },
  'POST /siem-destinations/:id/resume': { leaves: ['siem.resume'], call: owns('POST /siem-destinations/:id/resume', makeDestination) },
  'POST /siem-destinations/:id/test': { leaves: ['siem.test'], call: owns('POST /siem-destinations/:id/test', makeDestination) },
  'POST /siem-destinations/:id/rotate-secret': {
    leaves: ['siem.rotate_secret'],
    diff: ['secret'],
    call: owns('POST /siem-destinations/:id/rotate-secret', makeDestination),
  },
  'POST /siem-destinations/:id/replay': {
    leaves: ['siem.replay.start'],
    call: owns('POST /siem-destinations/:id/replay', makeDestination, { from: 1 }),
  },
  'POST /siem-destinations/:id/replay/cancel': {
    leaves: ['siem.replay.cancel'],
    call: owns('POST /siem-destinations/:id/replay/cancel', makeReplaying),
  },
  'POST /siem-destinations/:id/set-aside/retry': {
    leaves: ['siem.set_aside.retry'],
    call: owns('POST /siem-destinations/:id/set-aside/retry', makeSetAside, { seqs: [1] }),
  },
  'POST /siem-destinations/:id/set-aside/dismiss': {
    leaves: ['siem.set_aside.dismiss'],
    call: owns('POST /siem-destinations/:id/set-aside/dismiss', makeSetAside, { seqs: [1] }),
  },
};
