import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../core/errors.ts';
import type { UserContext } from '../../../worker/platform/context.ts';
import { auditFetch } from '../../support/api.ts';
import { draft, drafts, mintTenant } from '../../support/audit.ts';

vi.setConfig({ testTimeout: 40_000 });

interface Told {
  id: number;
  event: string;
  data: { seq?: number; action?: string; code?: string };
}

/** Reads server-sent events, as a browser does. */
async function* told(answer: Response): AsyncGenerator<Told> {
  expect(answer.headers.get('Content-Type')).toContain('text/event-stream');
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
      if (fields['data'] !== undefined)
        yield { id: Number(fields['id']), event: fields['event'] ?? '', data: JSON.parse(fields['data']) as Told['data'] };
    }
  }
}
const next = async (events: AsyncGenerator<Told>): Promise<Told> => (await events.next()).value as Told;

function following(askAgain?: () => Promise<UserContext>) {
  const tenant = mintTenant();
  let clock = Date.now();
  const get = auditFetch({ ...tenant.as('auditor'), now: () => new Date(clock) }, askAgain);
  return { ...tenant, get, later: () => void (clock += 1_100) };
}

describe('who follows the log', () => {
  test('is told of an event within a second of its recording', async () => {
    const { get, append, services } = following();
    await append(draft(services));
    const events = told(await get('/audit/stream?after=1&filter=action%20sw%20%22template.%22'));
    const begun = Date.now();
    await append(draft(services, { action: 'template.delete' }));
    expect((await next(events)).data).toMatchObject({ action: 'template.delete' });
    expect(Date.now() - begun).toBeLessThan(1_000);
    await events.return(undefined);
  });

  test('comes again with the last number that it had, and misses nothing', async () => {
    const { get, append, services, ledger } = following();
    await append(...drafts(services, 5));
    const first = told(await get('/audit/stream?after=0'));
    expect([(await next(first)).id, (await next(first)).id]).toEqual([1, 2]);
    await first.return(undefined);
    await append(draft(services));
    const again = told(await get('/audit/stream?after=0', { 'Last-Event-ID': '2' }));
    const { size } = await ledger.status();
    for (let seq = 3; seq <= size; seq++) expect((await next(again)).id).toBe(seq);
    await again.return(undefined);
  });

  test('hears of what matches only', async () => {
    const { get, append, services } = following();
    await append(...drafts(services, 6, (index) => ({ action: index === 4 ? 'template.delete' : 'template.create' })));
    const events = told(await get('/audit/stream?after=0&action=template.delete'));
    expect(await next(events)).toMatchObject({ id: 5, event: 'audit' });
    await events.return(undefined);
  });

  test('is told why no more comes once the session has ended', async () => {
    let ended = false;
    const mayStill = mintTenant().as('auditor');
    const { get, append, services, later } = following(async () => {
      if (ended) throw new AppError('not-signed-in', 'Sign in first');
      return mayStill;
    });
    const events = told(await get('/audit/stream?after=0'));
    expect((await next(events)).data.action).toBe('audit.read');
    ended = true;
    // Asked again at most once a second while events come, and then before the next is sent.
    later();
    await append(draft(services));
    expect(await next(events)).toMatchObject({ event: 'end', data: { code: 'not-signed-in' } });
    expect((await events.next()).done).toBe(true);
  });

  test('loses it with the permission', async () => {
    const { get, append, services, later } = following(async () => mintTenant().as('member'));
    const events = told(await get('/audit/stream?after=0'));
    await next(events);
    later();
    await append(draft(services));
    expect(await next(events)).toMatchObject({ event: 'end', data: { code: 'permission-denied' } });
  });

  test('is refused without the permission, with a wrong filter, and when too many follow', async () => {
    const { get, as, ledger, services } = following();
    expect((await auditFetch(as('member'))('/audit/stream')).status).toBe(403);
    expect((await get('/audit/stream?filter=x')).status).toBe(400);
    const full = {
      ...services.ledger,
      open: () => Object.assign(Object.create(ledger), { waitBeyond: async () => 'full', status: () => ledger.status() }),
    };
    const crowded = auditFetch({ ...as('auditor'), ledger: full });
    expect((await crowded('/audit/stream')).status).toBe(503);
  });
});

test('the ledger lets only so many wait at once', async () => {
  const { ledger } = mintTenant();
  const waiting = Array.from({ length: 200 }, () => ledger.waitBeyond(0, 400));
  expect(await ledger.waitBeyond(0, 400)).toBe('full');
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['quiet']));
  expect(await ledger.waitBeyond(0, 10)).toBe('quiet');
});
