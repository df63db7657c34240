import { describe, expect, test, vi } from 'vitest';
import { env } from 'cloudflare:workers';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { auditApi } from '../../support/api.ts';
import { drafts, mintTenant, type TestTenant } from '../../support/audit.ts';
import { mintHec } from '../../support/doubles-client.ts';
import { onTestClock } from '../../support/ledger-clock.ts';
import { addDestination, receiverOf } from '../../support/siem-api.ts';

vi.setConfig({ testTimeout: 60_000 });
const MINUTE_MS = 60_000;

/** Somebody with that role, or in a group with it. @returns the address */
async function addPerson(
  { services, tenantId }: TestTenant,
  role: string | null,
  { state = 'active', verified = true, group = false } = {},
) {
  const db = services.tenantDb('s0', tenantId);
  const [id, groupId, at] = [services.newId('user'), services.newId('group'), services.now().toISOString()];
  const email = `${id}@acme.test`;
  const subject = group ? ['group', groupId] : ['user', id];
  await db.batch([
    statement(
      'INSERT INTO users (tenant_id, id, email, name, state, email_verified_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[tenantId, id, email, 'Pat', state, verified ? at : null, at],
    ),
    statement("INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, 'user', ?)", tenantId, groupId, id),
    ...(role === null
      ? []
      : [
          statement(
            'INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
            ...[tenantId, services.newId('roleAssignment'), role, ...subject, at],
          ),
        ]),
  ]);
  return email;
}

const mailsTo = async (address: string): Promise<Array<{ subject: string; text: string }>> =>
  (await env.DIRECTORY.prepare('SELECT subject, text FROM local_mails WHERE recipient = ? ORDER BY id').bind(address).all())
    .results as never;

/** A destination on a clock of the test's that has got what there was. */
async function settled(faults: Record<string, unknown> = {}) {
  const tenant = mintTenant();
  const owner = await addPerson(tenant, 'owner');
  const clock = await onTestClock(tenant);
  const hec = mintHec();
  await hec.set(faults);
  const body = { name: 'Splunk', config: { type: 'splunk-hec', url: hec.url }, secret: hec.token };
  const { id } = await addDestination(clock.as('owner'), body);
  await vi.waitFor(async () => expect(await tenant.events()).toHaveLength(1));
  clock.pass(2_000);
  await clock.step();
  const api = auditApi(clock.as('owner'));
  const state = async () => (await api('GET', `/siem-destinations/${id}`)).body.state as string;
  /** Minutes pass, in which the ledger's alarm rings as it is set. */
  const pass = async (minutes: number) => {
    for (let half = 0; half < 2 * minutes; half++) {
      clock.pass(MINUTE_MS / 2);
      await clock.step();
    }
  };
  const told = async () =>
    (await tenant.events({ resourceType: 'siem' })).map(({ action }) => action).filter((action) => /stalled|recovered/.test(action));
  return { tenant, clock, hec, id, api, owner, state, pass, told };
}

describe('a destination that stalls is told within five minutes, once', () => {
  test('by its state, an event and a mail; and so is its recovery', async () => {
    const { tenant, clock, hec, api, owner, state, pass, told } = await settled();
    await hec.set({ busy: -1 });
    await tenant.append(...drafts(clock.services, 3));
    await pass(3);
    expect([await state(), await told()]).toEqual(['active', []]);
    await pass(2);
    expect(await state()).toBe('failing');
    expect((await api('GET', '/siem-summary')).body).toMatchObject({ states: { active: 0, failing: 1 } });
    await vi.waitFor(async () => expect(await told()).toEqual(['siem.stalled']));
    const [stalled] = await tenant.events({ action: 'siem.stalled' });
    expect(stalled).toMatchObject({ actor: { type: 'system' }, reason: expect.stringContaining('503'), details: { held: false } });
    await pass(60);
    expect(await told()).toEqual(['siem.stalled']);
    expect(await mailsTo(owner)).toEqual([
      {
        subject: 'Gatehouse: Splunk gets no events',
        text: expect.stringMatching(/Splunk answered 503[\s\S]*https:\/\/gatehouse\.test\/siem/),
      },
    ]);
    await hec.set({ busy: 0 });
    await pass(10);
    expect(await state()).toBe('active');
    await vi.waitFor(async () => expect(await told()).toEqual(['siem.stalled', 'siem.recovered']));
    expect((await mailsTo(owner)).map(({ subject }) => subject)).toEqual([
      'Gatehouse: Splunk gets no events',
      'Gatehouse: Splunk gets events again',
    ]);
    // Another outage is told anew.
    await hec.set({ busy: -1 });
    await tenant.append(...drafts(clock.services, 1));
    await pass(6);
    await vi.waitFor(async () => expect(await told()).toEqual(['siem.stalled', 'siem.recovered', 'siem.stalled']));
  });

  test('also when no consumer comes at all: the ledger itself tells', async () => {
    const { tenant, clock, state, told } = await settled();
    await tenant.append(...drafts(clock.services, 1));
    for (let half = 0; half < 10; half++) {
      clock.pass(MINUTE_MS / 2);
      await clock.alarm();
      clock.bells.splice(0);
    }
    expect(await state()).toBe('failing');
    await vi.waitFor(async () => expect(await told()).toEqual(['siem.stalled']));
  });

  test('a refusal that only people can cure is told at once, tried seldom, and as soon as the secret is changed', async () => {
    const { tenant, clock, hec, id, api, state, pass, told } = await settled();
    await hec.set({ disabled: true });
    await tenant.append(...drafts(clock.services, 1));
    clock.pass(2_000);
    await clock.step();
    await clock.alarm();
    expect(await state()).toBe('held');
    await vi.waitFor(async () => expect(await told()).toEqual(['siem.stalled']));
    const { requests } = await hec.state();
    await pass(15);
    expect((await hec.state()).requests).toBe(requests);
    await pass(15);
    expect((await hec.state()).requests).toBe(requests + 1);
    await hec.set({ disabled: false });
    await api('PATCH', `/siem-destinations/${id}`, { secret: hec.token });
    await vi.waitFor(async () => expect(await tenant.events({ action: 'siem.update' })).toHaveLength(1));
    await pass(1);
    expect(await state()).toBe('active');
    // That it recovered is an event, too, and goes there.
    await pass(2);
    expect((await tenant.ledger.deliveryStatus())[0]).toMatchObject({ waitingSince: null });
  });

  test('a quiet tenant, a destination that waits for nothing, and one that was paused are no stall', async () => {
    const { tenant, clock, hec, id, api, pass, told } = await settled();
    await pass(30);
    await api('POST', `/siem-destinations/${id}/pause`);
    await hec.set({ busy: -1 });
    await vi.waitFor(async () => expect(await tenant.events({ action: 'siem.pause' })).toHaveLength(1));
    await tenant.append(...drafts(clock.services, 1));
    await pass(30);
    expect(await told()).toEqual([]);
  });

  test('the mail goes to those who may manage destinations, also by a group, and to nobody else', async () => {
    const { tenant, clock, hec, pass } = await settled();
    const wanted = [await addPerson(tenant, 'owner', { group: true }), await addPerson(tenant, await customRole(tenant))];
    const others = [
      await addPerson(tenant, 'auditor'),
      await addPerson(tenant, null),
      await addPerson(tenant, 'owner', { state: 'suspended' }),
      await addPerson(tenant, 'owner', { verified: false }),
    ];
    await hec.set({ disabled: true });
    await tenant.append(...drafts(clock.services, 1));
    await pass(1);
    await vi.waitFor(async () => {
      for (const address of wanted) expect(await mailsTo(address)).toHaveLength(1);
    });
    for (const address of others) expect(await mailsTo(address)).toEqual([]);
  });

  test('D1 down when it is to be told: told later, and once', async () => {
    const { tenant, clock, hec, pass, told } = await settled();
    await hec.set({ disabled: true });
    await tenant.append(...drafts(clock.services, 1));
    const { tenantDb } = clock.services;
    clock.pass(2_000);
    await clock.step();
    Object.assign(clock.services, { tenantDb: () => expect.fail('D1 is down') });
    await clock.alarm();
    expect(await told()).toEqual([]);
    Object.assign(clock.services, { tenantDb });
    await pass(2);
    await vi.waitFor(async () => expect(await told()).toEqual(['siem.stalled']));
  });
});

async function customRole({ services, tenantId }: TestTenant): Promise<string> {
  const [id, at] = [services.newId('role'), services.now().toISOString()];
  await services
    .tenantDb('s0', tenantId)
    .batch([
      statement(
        "INSERT INTO roles (tenant_id, id, name, description, permissions, revision, created_at, created_by) VALUES (?, ?, ?, '', ?, 1, ?, 'usr_x')",
        ...[tenantId, id, `Streams ${id}`, JSON.stringify(['siem:read', 'siem:manage']), at],
      ),
    ]);
  return id;
}

describe('health', () => {
  test('counts answers by hour and day and class, for thirty days', async () => {
    const { tenant, clock, hec, id, api, pass } = await settled();
    await hec.set({ busy: 2 });
    await tenant.append(...drafts(clock.services, 4));
    await pass(3);
    const byHour = (await api('GET', `/siem-destinations/${id}/health?by=hour`)).body;
    expect(total(byHour)).toEqual({ events: 5, '2xx': 2, '3xx': 0, '4xx': 0, '5xx': 2, none: 0 });
    for (let day = 0; day < 40; day++) {
      clock.pass(24 * 60 * MINUTE_MS);
      await tenant.append(...drafts(clock.services, 1));
      clock.pass(2_000);
      await clock.step();
    }
    const { items } = (await api('GET', `/siem-destinations/${id}/health`)).body;
    // A window of thirty days touches thirty-one at most.
    expect(items.length).toBeGreaterThanOrEqual(30);
    expect(items.length).toBeLessThanOrEqual(31);
    expect(items.every(({ events, requests }: Bucket) => events >= 1 && (requests['2xx'] ?? 0) >= 1)).toBe(true);
  });

  interface Bucket {
    events: number;
    requests: Record<string, number>;
  }

  const total = ({ items }: { items: Bucket[] }) =>
    items.reduce<Record<string, number>>((sum, { events, requests }) => {
      for (const [name, count] of Object.entries({ events, ...requests })) sum[name] = (sum[name] ?? 0) + count;
      return sum;
    }, {});

  test('the overview has its figure', async () => {
    const { tenant, clock, hec, api, pass } = await settled();
    await hec.set({ disabled: true });
    const fine = await receiverOf('webhook');
    await addDestination(clock.as('owner'), fine.body);
    await tenant.append(...drafts(clock.services, 2));
    await pass(1);
    const { body } = await api('GET', '/siem-summary');
    expect(body).toMatchObject({ states: { active: 1, held: 1, failing: 0, paused: 0 }, setAside: 0, waitingSince: expect.any(String) });
    expect(body.lag).toBeGreaterThanOrEqual(3);
  });
});
