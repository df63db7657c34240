import { describe, expect, test } from 'vitest';
import { finding, findingDetail, findingList } from '@gatehouse/core/api/findings.ts';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { draft, mintTenant as mintLedger, type TestTenant } from '../../support/audit.ts';
import { arrive, makeFinding } from '../../support/findings.ts';
import { addUser, api, mintTenant, read } from '../../support/tenants.ts';

const START = Date.parse('2026-11-26T08:00:00.000Z');
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();
const origin = (ip: string, facts: object = {}) => ({
  ...{ ip, userAgent: null, browser: 'Firefox 145', os: 'Linux', device: null, country: 'NL', city: null, asn: null },
  ...facts,
});

/** Sign-ins at seconds after the start, as the API records them. */
const signIns = ({ services }: TestTenant) => ({
  failed: (seconds: number, who: string, ip = '192.0.2.1'): DraftEvent =>
    draft(services, {
      ...{ time: at(seconds), action: 'user.sign_in', outcome: 'failure', status: 401, reason: 'wrong password', origin: origin(ip) },
      actor: { type: 'anonymous', id: null, name: `${who}@acme.test`, email: null, via: null },
      resource: { type: 'user', id: `usr_${who}`, name: who },
    }),
  done: (seconds: number, who: string, ip = '192.0.2.1', facts: object = {}): DraftEvent =>
    draft(services, {
      ...{ time: at(seconds), action: 'user.sign_in', status: 200, origin: origin(ip, facts) },
      actor: { type: 'user', id: `usr_${who}`, name: who, email: `${who}@acme.test`, via: 'session' },
      resource: { type: 'user', id: `usr_${who}`, name: who },
    }),
});

const found = async ({ ledger }: TestTenant) =>
  (await ledger.findings({ limit: 100 })).map(({ rule, subject, events, state }) => ({ rule, subject, events, state }));
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

describe('what is found', () => {
  test('brute force: the eighth failure of one account within 15 minutes', async () => {
    const tenant = mintLedger();
    const { failed } = signIns(tenant);
    await tenant.append(...times(7, (index) => failed(index * 60, 'ana', `198.51.${index}.1`)));
    expect(await found(tenant)).toEqual([]);
    await tenant.append(failed(8 * 60, 'ana'));
    expect(await found(tenant)).toEqual([{ rule: 'brute-force', subject: 'ana', events: 8, state: 'open' }]);
  });

  test('what goes on is added to the finding, and one that was resolved is followed by a new one', async () => {
    const tenant = mintLedger();
    const { failed } = signIns(tenant);
    await tenant.append(...times(300, (index) => failed(index, 'ana')));
    expect(await found(tenant)).toEqual([{ rule: 'brute-force', subject: 'ana', events: 300, state: 'open' }]);
    const [{ id } = expect.fail()] = await tenant.ledger.findings({ limit: 1 });
    expect((await tenant.ledger.finding(id))?.evidence).toHaveLength(200);
    const { tenantId, services } = tenant;
    const event = draft(services, { action: 'finding.resolve', resource: { type: 'finding', id, name: 'ana' } });
    const move = { id, from: 'open', to: 'resolved', note: '', by: 'Ines', at: event.time } as const;
    await tenant.ledger.moveFinding(move, { tenantId, shard: 's0', source: 'audit', batches: [{ outboxId: '1', events: [event] }] });
    await tenant.append(...times(7, (index) => failed(301 + index, 'ana')));
    expect(await found(tenant)).toHaveLength(1);
    await tenant.append(failed(310, 'ana'));
    expect((await found(tenant)).map(({ state, events }) => `${state} ${events}`)).toEqual(['open 8', 'resolved 300']);
  });

  test('a spray: ten accounts from one network, known and unknown, whatever the addresses in it', async () => {
    const tenant = mintLedger();
    const { failed } = signIns(tenant);
    await tenant.append(...times(9, (index) => failed(index, `p${index}`, `203.0.113.${index}`)));
    expect(await found(tenant)).toEqual([]);
    await tenant.append(failed(10, 'p9', '203.0.113.77'));
    expect(await found(tenant)).toEqual([{ rule: 'password-spray', subject: '203.0.113.0/24', events: 10, state: 'open' }]);
  });

  test('failures, then success', async () => {
    const tenant = mintLedger();
    const { failed, done } = signIns(tenant);
    await tenant.append(...times(5, (index) => failed(index, 'ana')), done(10, 'ana'));
    expect(await found(tenant)).toEqual([{ rule: 'failures-then-success', subject: 'ana', events: 6, state: 'open' }]);
  });

  test('a country that is new for a person, whose first is no news; and a device of which the sign-in says so', async () => {
    const tenant = mintLedger();
    const { done } = signIns(tenant);
    await tenant.append(done(0, 'ana'), done(1, 'ben', '192.0.2.9', { country: 'BR' }));
    expect(await found(tenant)).toEqual([]);
    await tenant.append(done(3, 'ana', '192.0.2.1', { country: 'BR' }));
    expect((await found(tenant)).map(({ rule }) => rule)).toEqual(['new-country']);
    await tenant.append(done(4, 'ana', '192.0.2.1', { country: 'BR' }), done(5, 'ana'));
    expect(await found(tenant)).toHaveLength(1);
    const device = (newDevice: boolean) => ({ ...done(6, 'ana'), details: { method: 'password', newDevice } });
    await tenant.append(device(false), device(true));
    expect((await found(tenant)).map(({ rule, subject }) => `${rule}: ${subject}`)).toEqual(['new-device: ana', 'new-country: ana']);
  });

  test('an export that stopped', async () => {
    const tenant = mintLedger();
    await makeFinding({ id: tenant.tenantId });
    expect((await found(tenant)).map(({ rule, subject }) => `${rule}: ${subject}`)).toEqual(['export-stopped: SOC']);
  });
});

test('an ordinary day of 300 people in one office is none of it', async () => {
  const tenant = mintLedger();
  const { failed, done } = signIns(tenant);
  // Everybody comes in within two hours from one network; every ninth mistypes, some of them three times.
  const day = times(300, (index) => {
    const who = `p${index}`;
    const arrives = index * 24;
    const slips = index % 9 === 0 ? times(1 + (index % 3), (n) => failed(arrives + n * 5, who)) : [];
    return [...slips, done(arrives + 20, who)];
  });
  for (const some of day) await tenant.append(...some);
  expect(await found(tenant)).toEqual([]);
});

describe('a finding in the trail', () => {
  test('is an event of its own, right behind what completed it, and names the event', async () => {
    const tenant = mintLedger();
    const { failed } = signIns(tenant);
    await tenant.append(...times(8, (index) => failed(index, 'ana')));
    const events = await tenant.events();
    expect(events).toHaveLength(9);
    const [before, last] = events.slice(-2);
    expect(last).toMatchObject({
      seq: 9,
      action: 'finding.open',
      actor: { type: 'system', name: 'Gatehouse' },
      resource: { type: 'finding', name: 'Many failed sign-ins of one account: ana' },
      details: { rule: 'brute-force', severity: 'medium', events: 8, event: before?.id },
    });
  });

  test('events that come twice count once', async () => {
    const tenant = mintLedger();
    const { failed } = signIns(tenant);
    const some = times(7, (index) => failed(index, 'ana'));
    await tenant.append(...some);
    await tenant.append(...some);
    expect(await found(tenant)).toEqual([]);
  });
});

describe('through the API', () => {
  test('the list says how many there are in each state, and pages through them', async () => {
    const tenant = await mintTenant();
    for (let made = 0; made < 3; made++) await makeFinding(tenant);
    const first = read(await api(tenant.owner).get('/detections/findings?state=open&limit=2'), findingList);
    expect(first.items).toHaveLength(2);
    expect(first).toMatchObject({ counts: { open: 3, acknowledged: 0, resolved: 0 }, open: { low: 0, medium: 0, high: 3 } });
    const rest = read(await api(tenant.owner).get(`/detections/findings?state=open&limit=2&cursor=${first.nextCursor}`), findingList);
    expect(rest.items).toHaveLength(1);
    expect(rest.nextCursor).toBeNull();
    expect(read(await api(tenant.owner).get('/detections/findings?rule=brute-force'), findingList).items).toEqual([]);
  });

  test('the list is narrowed by rule, severity and whom it is about', async () => {
    const tenant = await mintTenant();
    await makeFinding(tenant);
    await api(tenant.owner).post('/role-assignments', {
      role: 'user-admin',
      subject: { type: 'user', id: (await addUser(tenant, [], 'Ana')).id },
    });
    await arrive(tenant);
    const asked = async (query: string) =>
      read(await api(tenant.owner).get(`/detections/findings?${query}`), findingList).items.map(({ rule }) => rule.id);
    expect(await asked('')).toEqual(['admin-grant', 'export-stopped']);
    expect(await asked('severity=high')).toEqual(['export-stopped']);
    expect(await asked('rule=admin-grant')).toEqual(['admin-grant']);
    expect(await asked('rule=admin-grant&severity=high')).toEqual([]);
    expect(await asked('subject=TO%20an')).toEqual(['admin-grant']);
    expect(await asked('subject=soc&state=open')).toEqual(['export-stopped']);
    expect((await api(tenant.owner).get('/detections/findings?severity=worst')).status).toBe(422);
  });

  test('the overview says what came lately, and how long it took until somebody looked', async () => {
    const tenant = mintLedger();
    const now = START + 40 * 86_400_000;
    const day = (days: number) => now - days * 86_400_000;
    const stops = (time: number) =>
      draft(tenant.services, {
        ...{ time: new Date(time).toISOString(), action: 'siem.pause' },
        resource: { type: 'siem', id: tenant.services.newId('destination'), name: 'SOC' },
      });
    for (const days of [35, 20, 3, 2]) await tenant.append(stops(day(days)));
    const ids = (await tenant.ledger.findings({ limit: 100 })).map(({ id }) => id);
    const move = async (id: string | undefined, from: 'open' | 'acknowledged', to: 'acknowledged' | 'resolved', at: number) => {
      const event = draft(tenant.services, { action: 'finding.resolve', resource: { type: 'finding', id: id ?? '', name: 'SOC' } });
      await tenant.ledger.moveFinding(
        { id: id ?? '', from, to, note: '', by: 'Ines', at: new Date(at).toISOString() },
        { tenantId: tenant.tenantId, shard: 's0', source: 'audit', batches: [{ outboxId: event.id, events: [event] }] },
      );
    };
    // The first look counts, not the last word; what is older than a month does not.
    await move(ids[0], 'open', 'acknowledged', day(2) + 60_000);
    await move(ids[0], 'acknowledged', 'resolved', day(1));
    await move(ids[1], 'open', 'resolved', day(3) + 180_000);
    await move(ids[3], 'open', 'resolved', day(1));
    const counted = await tenant.ledger.findingCounts({ week: day(7), month: day(30) });
    expect(counted.sort((a, b) => a.state.localeCompare(b.state))).toEqual([
      { rule: 'export-stopped', state: 'open', found: 1, week: 0, month: 1, looked: 0, waited: 0 },
      { rule: 'export-stopped', state: 'resolved', found: 3, week: 2, month: 2, looked: 2, waited: 240_000 },
    ]);
  });

  test('an event leads to what rests on it, and to nothing else', async () => {
    const tenant = await mintTenant();
    const ids = [await makeFinding(tenant), await makeFinding(tenant)];
    const detail = read(await api(tenant.owner).get(`/detections/findings/${ids[0]}`), findingDetail);
    const about = async (event: number | undefined) =>
      read(await api(tenant.owner).get(`/detections/findings?event=${event}`), findingList).items.map(({ id }) => id);
    expect(await about(detail.evidence[0]?.seq)).toEqual([ids[0]]);
    expect(await about(1)).toEqual([]);
  });

  test('one comes with its evidence and with what to do', async () => {
    const tenant = await mintTenant();
    const id = await makeFinding(tenant);
    const detail = read(await api(tenant.owner).get(`/detections/findings/${id}`), findingDetail);
    expect(detail.evidence.map(({ action }) => action)).toEqual(['siem.pause']);
    expect(detail.archived).toEqual([]);
    expect(detail.rule.advice).not.toBe('');
  });

  test('moving it on records who and why, with it or not at all; who comes second is told', async () => {
    const tenant = await mintTenant();
    const id = await makeFinding(tenant);
    const move = { from: 'open', to: 'acknowledged', note: 'Maintenance of the collector' };
    const moved = read(await api(tenant.owner).post(`/detections/findings/${id}/move`, move), finding);
    expect(moved).toMatchObject({ state: 'acknowledged', note: move.note, moved: { by: expect.any(String) } });
    expect((await api(tenant.owner).post(`/detections/findings/${id}/move`, move)).status).toBe(409);
    const { body } = await api(tenant.owner).get('/audit/events?action=finding.acknowledge');
    expect(body).toMatchObject({
      items: [{ resource: { type: 'finding', id }, diff: [{ path: 'state', old: 'open', new: 'acknowledged' }, { path: 'note' }] }],
    });
    await api(tenant.owner).post(`/detections/findings/${id}/move`, { from: 'acknowledged', to: 'open' });
    const reopened = await api(tenant.owner).get('/audit/events?action=finding.reopen');
    expect(reopened.body).toMatchObject({ items: [{ diff: [{ path: 'state' }, { path: 'note', old: move.note, new: '' }] }] });
  });
});
