import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import { parseFilter } from '../../../core/audit/filter.ts';
import { histogram } from '../../../worker/audit/ledger.histogram.ts';
import { archiveTimes } from '../../../worker/audit/ledger.segments.ts';
import { lastTold } from '../../../worker/audit/ledger.sign.ts';
import { drafts, mintTenant } from '../../support/audit.ts';
import { onTestClock } from '../../support/ledger-clock.ts';
import { BEGIN, counted, fill } from '../../support/ledgers.ts';

vi.setConfig({ testTimeout: 120_000 });

const DAY_MS = 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;
/** Rows that finding the ends of the bars by halving may read. */
const HALVING = 20;

describe('what the overview asks of the ledger', () => {
  test.each([2_000, 12_000])('reads what was refused, and bars, not the log: %d events', async (count) => {
    const { ledger, tenantId } = mintTenant();
    await fill(ledger, tenantId, count);
    const [since, until] = [BEGIN + 20 * DAY_MS, BEGIN + 21 * DAY_MS].map((time) => new Date(time).toISOString()) as [string, string];
    await runInDurableObject(ledger, (_, { storage }) => {
      const rowsFor = (work: (sql: SqlStorage) => unknown) => {
        const { sql, rowsRead } = counted(storage.sql);
        work(sql);
        return rowsRead();
      };
      const refused = histogram(storage.sql, { since, until, buckets: 96 }).buckets.reduce((sum, { denied }) => sum + denied, 0);
      expect(rowsFor((sql) => histogram(sql, { since, until, buckets: 96 }))).toBeLessThan(97 * HALVING + 4 * refused + 300);
      const signIns = parseFilter('action eq "user.sign_in" and outcome ne "success"');
      expect(rowsFor((sql) => histogram(sql, { since, until, buckets: 1, filter: signIns }))).toBeLessThan(
        3 * HALVING + 10 * refused + 100,
      );
      expect(rowsFor(archiveTimes)).toBeLessThan(10);
      expect(rowsFor(lastTold)).toBeLessThan(10);
    });
  });

  test('it says when the archive took events last, since when one waits, and when a checkpoint was told', async () => {
    const tenant = mintTenant();
    const clock = await onTestClock(tenant);
    await tenant.append(...drafts(clock.services, 2));
    expect(await tenant.ledger.status()).toMatchObject({ archivedAt: null, archiveWaitsSince: null, checkpointAt: null });
    clock.pass(2_000);
    const sealed = clock.now().toISOString();
    await clock.alarm();
    expect(await tenant.ledger.status()).toMatchObject({ archivedAt: null, archiveWaitsSince: sealed });
    clock.pass(60_000);
    await clock.archive();
    const archived = clock.now().toISOString();
    expect(await tenant.ledger.status()).toMatchObject({ archivedAt: archived, archiveWaitsSince: null });
    clock.pass(HOUR_MS);
    const told = clock.now().toISOString();
    await clock.step();
    expect(await tenant.ledger.status()).toMatchObject({ checkpointAt: told });
  });
});
