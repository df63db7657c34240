import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { readLines } from '../../worker/audit/archive.ts';
import { archived } from './audit.ts';
import { once } from './siem-api.ts';
import type { TrailWorld } from './trail-world.ts';

/**
 * The promise: every change that was committed has exactly one event in the ledger, in the archive and, after deduplication by
 * id, at every destination, in order; whatever was refused has its own event or none.
 */
export async function judge(world: TrailWorld): Promise<void> {
  const { tenant } = world;
  const events = await tenant.events();
  const { size } = await tenant.ledger.status();
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: size }, (_, index) => index + 1));
  expect(new Set(events.map(({ id }) => id)).size).toBe(size);
  await judgeChanges(world, events);
  await judgeArchive(world);
  await judgeDestinations(world, events);
}

type Events = Awaited<ReturnType<TrailWorld['tenant']['events']>>;

async function judgeChanges({ tenant, asked }: TrailWorld, events: Events): Promise<void> {
  const { services, tenantId } = tenant;
  const rows = await services
    .tenantDb('s0', tenantId)
    .rows<{ name: string }>('SELECT name FROM groups WHERE tenant_id = ? ORDER BY name', tenantId);
  const committed = rows.map(({ name }) => name);
  const named = (action: string, outcome: string) =>
    events.filter((event) => event.action === action && event.outcome === outcome).map(({ resource }) => resource.name);
  expect(named('group.create', 'success').sort()).toEqual(committed);
  // Who was told that it is there finds it there.
  for (const { what, name, status } of asked) {
    if (what !== 'made') continue;
    expect([201, 409, 500], name).toContain(status);
    if (status !== 500) expect(committed).toContain(name);
  }
  const answered = (what: string, status: number) =>
    asked.filter((each) => each.what === what && each.status === status).map(({ name }) => name);
  judgeRefusals(named('group.create', 'denied'), answered('refused', 403), answered('refused', 500));
  judgeRefusals(named('group.update', 'failure'), answered('stale', 412), answered('stale', 500));
}

/** One event for each that was told so; where the answer was lost, one or none. */
function judgeRefusals(told: readonly string[], answered: readonly string[], unknown: readonly string[]): void {
  const count = (names: readonly string[], name: string) => names.filter((each) => each === name).length;
  for (const name of new Set([...told, ...answered, ...unknown])) {
    expect(count(told, name), name).toBeGreaterThanOrEqual(count(answered, name));
    expect(count(told, name), name).toBeLessThanOrEqual(count(answered, name) + count(unknown, name));
  }
}

async function judgeArchive({ tenant }: TrailWorld): Promise<void> {
  const { bodies } = await tenant.ledger.query({ limit: 10_000, order: 'asc', by: 'seq', form: 'line' });
  const keys = (await archived(`${tenant.tenantId}/2`)).filter((key) => key.endsWith('.ndjson.gz')).sort();
  const lines = (await Promise.all(keys.map((key) => readLines(env.AUDIT_ARCHIVE, { key, bytes: null })))).flat();
  expect(lines).toEqual(bodies);
}

async function judgeDestinations({ tenant, places }: TrailWorld, events: Events): Promise<void> {
  for (const { kind, id, receiver } of places) {
    const created = events.find(({ action, resource }) => action === 'siem.create' && resource.id === id)?.seq ?? expect.fail(kind);
    const aside = new Set((await tenant.ledger.setAsideAfter(id, 0, 1_000)).map(({ seq }) => seq));
    const expected = events.filter(({ seq }) => seq >= created && !aside.has(seq)).map(({ seq, id: eventId }) => `${seq} ${eventId}`);
    const [seqs, ids] = await Promise.all([receiver.seqs(), receiver.ids()]);
    const arrived = once(ids.map((eventId, index) => `${seqs[index]} ${eventId}`));
    expect(
      arrived.filter((each) => !aside.has(Number(each.split(' ')[0]))),
      kind,
    ).toEqual(expected);
    expect(await receiver.violations(), kind).toEqual([]);
    // Only what the double was told to refuse is set aside.
    for (const seq of aside) expect(events[seq - 1]?.resource.name, kind).toMatch(/^Poison/);
  }
}
