import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import { parseFilter } from '../../../core/audit/filter.ts';
import { countFindings, listFindings } from '../../../worker/audit/ledger.findings.ts';
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

  test('findings are counted and listed from their indexes alone', async () => {
    const { ledger } = mintTenant();
    await ledger.status();
    await runInDurableObject(ledger, (_, { storage: { sql } }) => {
      sql.exec(
        `INSERT INTO findings (id, rule, key, subject, state, opened_at, last_at, events)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         SELECT printf('fnd_%05d', i), CASE WHEN i % 3 = 0 THEN 'brute-force' ELSE 'password-spray' END, i, 'x',
           CASE WHEN i % 10 = 0 THEN 'open' ELSE 'resolved' END, 0, 0, 1 FROM n`,
      );
      const listed = counted(sql);
      expect(listFindings(listed.sql, { state: 'open', limit: 5 })).toHaveLength(6);
      expect(listed.rowsRead()).toBeLessThan(20);
      const sums = countFindings(sql);
      expect(sums.states).toEqual({ open: 300, acknowledged: 0, resolved: 2_700 });
      expect(Object.values(sums.open).reduce((sum, each) => sum + each)).toBe(300);
      const plan = sql.exec('EXPLAIN QUERY PLAN SELECT state, rule, count(*) FROM findings GROUP BY state, rule').toArray();
      expect(plan.map(({ detail }) => String(detail)).join()).toContain('COVERING INDEX findings_count');
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
