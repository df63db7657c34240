import { evictDurableObject } from 'cloudflare:test';
import { expect, test, vi } from 'vitest';
import { sweepOutbox } from '../../../worker/audit/sweep.ts';
import { commit, eventOf, type EventContext } from '../../../worker/platform/commit.ts';
import { auditApi } from '../../support/api.ts';
import { archived, mintTenant } from '../../support/audit.ts';
import { readSegmentLines } from '../../support/archive-reader.ts';
import { mintHec } from '../../support/doubles-client.ts';

vi.setConfig({ testTimeout: 90_000 });
const PATIENCE = { timeout: 60_000, interval: 200 };

/** A seeded die, so that a failure can be repeated. */
function seeded(seed: number) {
  let state = seed;
  return (sides: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

test.concurrent.each([1, 2, 3])(
  'half of everything is killed (seed %i): the same events in the ledger, the archive and Splunk',
  async (seed) => {
    const roll = seeded(seed);
    const tenant = mintTenant();
    const { services, tenantId, ledger } = tenant;
    const hec = mintHec();
    await hec.set({ dropAnswer: 1 + roll(2), busy: 1 });
    const owner = tenant.as('owner');
    const config = { type: 'splunk-hec', url: hec.url };
    expect((await auditApi(owner)('POST', '/siem-destinations', { name: 'Splunk', config, secret: hec.token })).status).toBe(201);

    // The call to the ledger never leaves, or its answer never comes.
    const append: typeof services.ledger.append = async (...request) => {
      const fate = roll(3);
      if (fate === 0) throw new Error('killed before the call');
      await services.ledger.append(...request);
      if (fate === 1) throw new Error('killed before the answer');
    };
    const ctx: EventContext = { ...owner, ledger: { ...services.ledger, append }, now: () => new Date(Date.now() - 60_000) };
    const committed: string[] = [];
    for (let n = 0; n < 40; n++) {
      const event = eventOf(ctx, { action: 'template.create', resource: { type: 'template', id: null, name: `${n}` } });
      await commit(ctx, { events: [event] });
      committed.push(event.id);
      // It may have been thrown out a moment ago.
      if (roll(4) === 0) await evictDurableObject(ledger).catch(() => undefined);
      if (roll(8) === 0) await sweepOutbox(services);
    }
    await sweepOutbox(services);

    const recorded = await tenant.events();
    expect(recorded.map(({ seq }) => seq)).toEqual(recorded.map((_, index) => index + 1));
    const ids = recorded.map(({ id }) => id);
    expect(
      recorded
        .filter(({ action }) => action === 'template.create')
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...committed].sort());
    await vi.waitFor(async () => {
      const lines = (await Promise.all((await archived(`${tenantId}/`)).map(readSegmentLines))).flat();
      expect(lines.map(({ event }) => event.id)).toEqual(ids);
      expect([...new Set((await hec.state()).indexed.map(({ event }) => event.id))]).toEqual(ids);
      expect(await owner.db.rows('SELECT id FROM outbox WHERE tenant_id = ?', tenantId)).toEqual([]);
    }, PATIENCE);
  },
);
