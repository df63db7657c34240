import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import { auditEvent, type AuditEvent } from '../../../core/audit/event.ts';
import { recurringEventId } from '../../../worker/audit/recurring.ts';
import { auditApi, auditFetch } from '../../support/api.ts';
import { draft, drafts, mintTenant } from '../../support/audit.ts';
import { mintHec, mintHook } from '../../support/doubles-client.ts';

vi.setConfig({ testTimeout: 40_000 });

type Api = ReturnType<typeof auditApi>;
const reader = () => {
  const tenant = mintTenant();
  return { ...tenant, api: auditApi(tenant.as('auditor')) };
};
const ids = (events: AuditEvent[]) => events.map(({ id }) => id);
const seqs = (events: AuditEvent[]) => events.map(({ seq }) => seq);

/** Follows `next` until a page is empty or there is no next. */
async function follow(api: Api, path: string): Promise<AuditEvent[]> {
  const all: AuditEvent[] = [];
  for (let next: string | null = path; next !== null;) {
    const { status, body, link } = await api('GET', next);
    expect(status).toBe(200);
    const items = body.items.map((item: unknown) => auditEvent.parse(item));
    all.push(...items);
    next = items.length === 0 ? null : (link && /<https:\/\/gatehouse\.test\/api\/v1(.*)>; rel="next"/.exec(link)?.[1]) || null;
  }
  return all;
}

describe('polling', () => {
  test('visits each event once while new ones arrive, and always says where to go on', async () => {
    const { services, append, api, events } = reader();
    await append(...drafts(services, 25));
    let path = '/audit/events?limit=10';
    const seen: AuditEvent[] = [];
    for (let round = 0; round < 6; round++) {
      const { body, link } = await api('GET', path);
      seen.push(...body.items);
      expect(body.nextCursor).not.toBeNull();
      path = /api\/v1(.*)>; rel="next"/.exec(link ?? '')?.[1] ?? expect.fail('no next');
      if (round < 3) await append(...drafts(services, 3));
    }
    expect(ids(seen)).toEqual(ids(await events()));
    const { body, link } = await api('GET', path);
    expect(body.items).toEqual([]);
    expect(link).toContain('rel="next"');
    await append(draft(services));
    expect((await api('GET', path)).body.items).toHaveLength(1);
  });

  test('with a filter it goes on behind what did not match', async () => {
    const { services, append, api } = reader();
    await append(...drafts(services, 4, (index) => ({ action: index === 2 ? 'template.delete' : 'template.create' })));
    const first = await api('GET', '/audit/events?action=template.delete');
    expect(first.body.items).toHaveLength(1);
    const next = `/audit/events?action=template.delete&cursor=${first.body.nextCursor}`;
    expect((await api('GET', next)).body.items).toEqual([]);
    await append(draft(services, { action: 'template.delete' }));
    expect((await api('GET', next)).body.items).toHaveLength(1);
  });

  test('from a time on: what was recorded since', async () => {
    const { services, append, api, events, ledger } = reader();
    await append(...drafts(services, 20));
    await runInDurableObject(ledger, (_, { storage }) => {
      storage.sql.exec("UPDATE events SET recorded_at = '2026-01-01T00:00:' || printf('%02d', seq) || '.000Z'");
    });
    const { body } = await api('GET', '/audit/events?since=2026-01-01T00:00:13Z&action=template.create');
    expect(seqs(body.items)).toEqual(seqs(await events()).slice(12, 20));
  });

  test('past the hot index it goes on from the archive, and past that: gone, not silently fewer', async () => {
    const { services, append, api, ledger } = reader();
    await append(...drafts(services, 6));
    const { body } = await api('GET', '/audit/events?limit=2');
    await vi.waitFor(async () => expect((await ledger.status()).archivedTo).toBe(7), { timeout: 15_000, interval: 100 });
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('DELETE FROM events WHERE seq <= 4'));
    const path = `/audit/events?limit=2&cursor=${body.nextCursor}`;
    const archived = await api('GET', path);
    expect(seqs(archived.body.items)).toEqual([3, 4]);
    expect(archived.body.progress).toMatchObject({ seq: 4 });
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('UPDATE segments SET first = 5 WHERE first <= 4'));
    expect((await api('GET', path)).status).toBe(410);
  });
});

describe('pages that end', () => {
  test('the newest first, each once, and then no next', async () => {
    const { services, append, api } = reader();
    await append(...drafts(services, 11));
    const all = await follow(api, '/audit/events?order=desc&limit=4');
    expect(seqs(all)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test.each(['asc', 'desc'])('a range of time is ordered by time, %s', async (order) => {
    const { services, append, api } = reader();
    const minute = (index: number) => `2026-03-01T10:${String(index).padStart(2, '0')}:00.000Z`;
    // Recorded against the clock, two at each time.
    await append(...drafts(services, 20, (index) => ({ time: minute(10 - Math.floor(index / 2)) })));
    const range = `/audit/events?since=${minute(3)}&until=${minute(8)}&order=${order}&limit=3`;
    const times = (await follow(api, range)).map(({ time }) => time);
    const expected = [3, 3, 4, 4, 5, 5, 6, 6, 7, 7].map(minute);
    expect(times).toEqual(order === 'asc' ? expected : expected.reverse());
  });

  test('every filter, alone and together', async () => {
    const { services, append, api } = reader();
    const wanted = draft(services, {
      actor: { type: 'user', id: 'usr_a', name: 'A', email: null, via: null },
      action: 'runner.remove',
      resource: { type: 'runner', id: 'run_a', name: 'A' },
      outcome: 'denied',
    });
    await append(...drafts(services, 5), wanted, ...drafts(services, 5));
    const filters = ['actorId=usr_a', 'action=runner.remove', 'resourceType=runner', 'resourceId=run_a', 'outcome=denied'];
    for (const filter of [...filters, filters.join('&')]) {
      for (const mode of ['', '&order=desc', '&until=2100-01-01T00:00:00Z'])
        expect(ids((await api('GET', `/audit/events?${filter}${mode}`)).body.items)).toEqual([wanted.id]);
    }
  });
});

describe('cursors', () => {
  test('belong to their filter and tenant', async () => {
    const one = reader();
    await one.append(...drafts(one.services, 5));
    const { nextCursor } = (await one.api('GET', '/audit/events?limit=2')).body;
    expect((await one.api('GET', `/audit/events?limit=3&cursor=${nextCursor}`)).status).toBe(200);
    for (const path of [
      `/audit/events?action=template.create&cursor=${nextCursor}`,
      '/audit/events?cursor=bm9uc2Vuc2U',
      '/audit/events?cursor=%00',
    ])
      expect((await one.api('GET', path)).body).toMatchObject({ status: 422, errors: [{ path: 'cursor' }] });
    expect((await reader().api('GET', `/audit/events?limit=2&cursor=${nextCursor}`)).status).toBe(422);
  });

  test.each(['limit=0', 'limit=1001', 'action=made.up', 'since=yesterday', 'order=up', 'outcome=maybe'])('%s is refused', async (query) => {
    expect((await reader().api('GET', `/audit/events?${query}`)).status).toBe(422);
  });
});

describe('filters', () => {
  const many = async () => {
    const tenant = reader();
    await tenant.append(
      ...drafts(tenant.services, 6, (index) => ({
        action: index % 2 === 0 ? 'template.create' : 'template.delete',
        resource: { type: 'template', id: `tpl_${index}`, name: index === 3 ? 'Straßenbau' : 'Payments' },
        requestId: `req_${index}`,
        outcome: index === 5 ? 'denied' : 'success',
      })),
    );
    return tenant;
  };
  const at = (path: string) => `/audit/events?order=desc&filter=${encodeURIComponent(path)}`;

  test.each([
    ['action eq "template.delete" and not (outcome eq "denied")', [4, 2]],
    ['action sw "template." and (resource.name co "STRASSE" or resource.name co "straße")', [4]],
    ['requestId eq "req_2" or requestId eq "REQ_4"', [5, 3]],
    ['outcome ne "success"', [6]],
  ])('%s', async (filter, expected) => {
    const { api } = await many();
    expect(seqs((await api('GET', at(filter))).body.items)).toEqual(expected);
  });

  test('together with parameters and words', async () => {
    const { api } = await many();
    expect(seqs((await api('GET', `${at('outcome eq "success"')}&action=template.delete&q=pay`)).body.items)).toEqual([2]);
    expect(seqs((await api('GET', '/audit/events?order=desc&q=req_3')).body.items)).toEqual([4]);
    expect(seqs((await api('GET', '/audit/events?order=desc&q=%20acme%20straßen')).body.items)).toEqual([4]);
  });

  test('a wrong one is told with its position, and is no gap in the log', async () => {
    const { status, body } = await reader().api('GET', at('outcome eq "x" and time gt "2026"'));
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'invalid-filter',
      errors: [{ path: 'filter', position: 19, message: expect.stringContaining('since and until') }],
    });
  });

  test('a cursor belongs to its filter', async () => {
    const { api } = await many();
    const { nextCursor } = (await api('GET', `${at('requestId pr')}&limit=2`)).body;
    expect((await api('GET', `${at('requestId pr')}&limit=2&cursor=${nextCursor}`)).body.items).toHaveLength(2);
    expect((await api('GET', `${at('resource.id pr')}&limit=2&cursor=${nextCursor}`)).status).toBe(422);
  });
});

describe('forms', () => {
  const one = async () => {
    const tenant = reader();
    await tenant.append(draft(tenant.services, { resource: { type: 'template', id: 'tpl_x', name: '=cmd "x"' } }));
    return { ...tenant, get: auditFetch(tenant.as('auditor')) };
  };

  test('lines of JSON are the very events that were hashed', async () => {
    const { get, ledger } = await one();
    const answer = await get('/audit/events?limit=1', { Accept: 'application/x-ndjson' });
    expect(answer.headers.get('Content-Type')).toContain('application/x-ndjson');
    expect(answer.headers.get('Link')).toContain('rel="next"');
    expect(await answer.text()).toBe(`${(await ledger.query({ limit: 1, by: 'seq', order: 'asc' })).bodies[0]}\n`);
  });

  test('a table for spreadsheets, in which nothing is a formula', async () => {
    const { get } = await one();
    const [header = '', line = ''] = (await (await get('/audit/events?limit=1&format=csv')).text()).split('\r\n');
    expect(header).toContain('"seq","id","time"');
    expect(line).toContain(`"'=cmd ""x"""`);
  });

  test('OCSF', async () => {
    const { get } = await one();
    const [line = ''] = (await (await get('/audit/events?limit=1&format=ocsf')).text()).split('\n');
    expect(JSON.parse(line)).toMatchObject({ class_uid: expect.any(Number), metadata: { version: '1.8.0' } });
  });
});

test('collectors are told how much they may still read, and are refused beyond it', async () => {
  const tenant = mintTenant();
  const ctx = tenant.as('auditor');
  const get = auditFetch(ctx);
  const first = await get('/audit/events');
  const left = Number(first.headers.get('X-Rate-Limit-Remaining'));
  expect([first.headers.get('X-Rate-Limit-Limit'), left]).toEqual(['600', 599]);
  expect(Number(first.headers.get('X-Rate-Limit-Reset')) * 1000).toBeGreaterThan(Date.now());
  const spent = {
    ...ctx,
    throttle: { ...ctx.throttle, spend: async () => ({ remaining: 0, resetsAt: Date.now() + 9_000, waitSeconds: 9 }) },
  };
  const refused = await auditFetch(spent)('/audit/events');
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '9']);
});

describe('how many, and when', () => {
  const hour = (index: number) => `2026-03-01T${String(10 + index).padStart(2, '0')}:00:00.000Z`;
  const recorded = async () => {
    const tenant = reader();
    await tenant.append(
      ...drafts(tenant.services, 8, (index) => ({ outcome: index === 2 ? 'denied' : index === 3 ? 'failure' : 'success' })),
    );
    // Two in each hour.
    await runInDurableObject(tenant.ledger, (_, { storage }) => {
      storage.sql.exec("UPDATE events SET recorded_at = '2026-03-01T' || (10 + (seq - 1) / 2) || ':30:00.000Z'");
    });
    return tenant;
  };

  test('by outcome, with nothing counted twice or left out', async () => {
    const { api } = await recorded();
    const { body } = await api('GET', `/audit/histogram?since=${hour(0)}&until=${hour(4)}&buckets=4`);
    expect(body).toEqual({
      countedFrom: null,
      buckets: [
        { from: hour(0), success: 2, failure: 0, denied: 0 },
        { from: hour(1), success: 0, failure: 1, denied: 1 },
        { from: hour(2), success: 2, failure: 0, denied: 0 },
        { from: hour(3), success: 2, failure: 0, denied: 0 },
      ],
    });
  });

  test('of what matches a filter', async () => {
    const { api } = await recorded();
    const filter = encodeURIComponent('outcome ne "success"');
    const { body } = await api('GET', `/audit/histogram?since=${hour(0)}&until=${hour(4)}&buckets=2&filter=${filter}`);
    expect(body.buckets).toEqual([
      { from: hour(0), success: 0, failure: 1, denied: 1 },
      { from: hour(2), success: 0, failure: 0, denied: 0 },
    ]);
  });

  test('what is in the archive only is said to be missing', async () => {
    const { api, ledger } = await recorded();
    await vi.waitFor(async () => expect((await ledger.status()).archivedTo).toBe(8), { timeout: 15_000, interval: 100 });
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('DELETE FROM events WHERE seq <= 2'));
    const { body } = await api('GET', `/audit/histogram?since=${hour(0)}&until=${hour(4)}&buckets=4`);
    expect(body.countedFrom).toBe('2026-03-01T11:30:00.000Z');
    expect(body.buckets[0]).toMatchObject({ success: 0 });
  });

  test('an empty range is refused', async () => {
    expect((await reader().api('GET', `/audit/histogram?since=${hour(1)}&until=${hour(1)}`)).body).toMatchObject({
      errors: [{ path: 'until' }],
    });
  });
});

describe('who may read', () => {
  test('another tenant sees nothing of it', async () => {
    const [one, other] = [reader(), reader()];
    await one.append(...drafts(one.services, 3));
    const { body } = await other.api('GET', '/audit/events');
    expect(body.items.map((event: AuditEvent) => event.action)).toEqual(['audit.read']);
  });

  test('a member may not, and that is an event', async () => {
    const { as, events } = mintTenant();
    const api = auditApi(as('member'));
    for (const path of ['/audit/events', '/audit/status', '/siem-destinations']) expect((await api('GET', path)).status).toBe(403);
    await vi.waitFor(async () => expect((await events()).map(({ outcome }) => outcome)).toEqual(['denied', 'denied', 'denied']));
  });

  test('reading is recorded once for a session and ten minutes, however often the page asks', async () => {
    const { as, events } = mintTenant();
    const [one, two] = [auditApi(as('auditor')), auditApi(as('auditor'))];
    for (const api of [one, one, one, two]) await api('GET', '/audit/events?order=desc');
    expect(await events({ action: 'audit.read' })).toHaveLength(2);
    const at = (time: string) => recurringEventId('audit.read|ses_1', new Date(time));
    expect(at('2026-01-01T10:09:59Z')).toBe(at('2026-01-01T10:00:00Z'));
    expect(at('2026-01-01T10:10:00Z')).not.toBe(at('2026-01-01T10:00:00Z'));
  });
});

describe('SIEM destinations', () => {
  const splunk = (hec: ReturnType<typeof mintHec>) => ({ name: 'Splunk', config: { type: 'splunk-hec', url: hec.url }, secret: hec.token });

  test('a test sends a real event and says what came back', async () => {
    const { as, events } = mintTenant();
    const hec = mintHec();
    const api = auditApi(as('owner'));
    const { id } = (await api('POST', '/siem-destinations', splunk(hec))).body;
    expect((await api('POST', `/siem-destinations/${id}/test`)).body).toMatchObject({ ok: false, status: 403 });
    await hec.set({});
    expect((await api('POST', `/siem-destinations/${id}/test`)).body).toMatchObject({ ok: true, status: 200 });
    const tests = await events({ action: 'siem.test' });
    expect((await hec.state()).indexed.map(({ event }) => event.id)).toContain(tests[1]?.id);
  });

  test('a secret is never shown again, stored in clear, or in an event', async () => {
    const { as, events, tenantId } = mintTenant();
    const ctx = as('owner');
    const api = auditApi(ctx);
    const { id, secret } = (await api('POST', '/siem-destinations', { name: 'Hook', config: { type: 'webhook', url: mintHook().url } }))
      .body;
    expect(secret).toMatch(/^whsec_/);
    const places = [
      (await api('GET', `/siem-destinations/${id}`)).body,
      (await api('GET', '/siem-destinations')).body,
      await ctx.db.rows('SELECT * FROM siem_destinations WHERE tenant_id = ?', tenantId),
      await ctx.db.rows('SELECT * FROM outbox WHERE tenant_id = ?', tenantId),
      await events(),
    ];
    for (const place of places) expect(JSON.stringify(place)).not.toContain(secret);
  });

  test('what changed is in the event; the secret only as changed', async () => {
    const { as, events } = mintTenant();
    const hec = mintHec();
    const api = auditApi(as('owner'));
    const { id } = (await api('POST', '/siem-destinations', splunk(hec))).body;
    const config = { type: 'splunk-hec', url: `${hec.url}/services/collector/event`, index: 'audit', source: 'gatehouse' };
    const changed = await api('PATCH', `/siem-destinations/${id}`, { name: 'Two', config, secret: 'another-token' });
    expect(changed.body).toMatchObject({ name: 'Two', config });
    const diff = (await vi.waitUntil(async () => (await events({ action: 'siem.update' }))[0])).diff;
    expect(diff).toEqual([
      { path: 'name', old: 'Splunk', new: 'Two', secret: false },
      { path: 'url', old: `${hec.url}/`, new: config.url, secret: false },
      { path: 'index', old: '', new: 'audit', secret: false },
      { path: 'secret', old: null, new: null, secret: true },
    ]);
  });

  test('whoever leads it elsewhere brings the secret anew', async () => {
    const { as } = mintTenant();
    const api = auditApi(as('owner'));
    const { id } = (await api('POST', '/siem-destinations', splunk(mintHec()))).body;
    const config = { type: 'splunk-hec', url: 'https://splunk.example.org' };
    const refused = await api('PATCH', `/siem-destinations/${id}`, { config });
    expect(refused.body).toMatchObject({ status: 422, errors: [{ path: 'secret' }] });
    expect((await api('PATCH', `/siem-destinations/${id}`, { config, secret: 'its-own-token' })).status).toBe(200);
  });

  test('deleted: not there, not delivered to', async () => {
    const { as, ledger } = mintTenant();
    const hec = mintHec();
    const api = auditApi(as('owner'));
    const { id } = (await api('POST', '/siem-destinations', splunk(hec))).body;
    expect((await api('DELETE', `/siem-destinations/${id}`)).status).toBe(204);
    await vi.waitFor(async () => expect(await ledger.deliveryStatus()).toEqual([]), { timeout: 10_000 });
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['PATCH', ''],
      ['POST', '/test'],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ])
      expect((await api(method ?? '', `/siem-destinations/${id}${path}`, method === 'PATCH' ? {} : undefined)).status).toBe(404);
  });

  test('another tenant’s destination is not there', async () => {
    const [one, other] = [mintTenant(), mintTenant()];
    const { id } = (await auditApi(one.as('owner'))('POST', '/siem-destinations', splunk(mintHec()))).body;
    const api = auditApi(other.as('owner'));
    expect((await api('GET', `/siem-destinations/${id}`)).status).toBe(404);
    expect((await api('DELETE', `/siem-destinations/${id}`)).status).toBe(404);
    expect((await api('GET', '/siem-destinations')).body.items).toEqual([]);
  });

  test('ten at once are the quota, however many ask together', async () => {
    const api = auditApi(mintTenant().as('owner'));
    const answers = await Promise.all(Array.from({ length: 12 }, () => api('POST', '/siem-destinations', splunk(mintHec()))));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(10).fill(201), 403, 403]);
    expect((await api('GET', '/siem-destinations')).body.items).toHaveLength(10);
  });

  test('an auditor sees them and changes nothing', async () => {
    const { as } = mintTenant();
    const { id } = (await auditApi(as('owner'))('POST', '/siem-destinations', splunk(mintHec()))).body;
    const api = auditApi(as('auditor'));
    expect((await api('GET', `/siem-destinations/${id}`)).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '', splunk(mintHec())],
      ['PATCH', `/${id}`, { name: 'Mine' }],
      ['DELETE', `/${id}`, undefined],
      ['POST', `/${id}/test`, undefined],
      ['POST', `/${id}/pause`, undefined],
      ['POST', `/${id}/resume`, undefined],
    ] as const)
      expect((await api(method, `/siem-destinations${path}`, body)).status).toBe(403);
  });

  test.each([
    ['config.url', { config: { type: 'webhook', url: 'https://10.0.0.1/' } }],
    ['config.url', { config: { type: 'webhook', url: 'http://siem.example.org/' } }],
    ['secret', { config: { type: 'splunk-hec', url: 'https://splunk.example.org' } }],
    ['secret', { config: { type: 'splunk-hec', url: 'https://splunk.example.org' }, secret: 'two\r\nlines-of-it' }],
    ['secret', { config: { type: 'webhook', url: 'https://siem.example.org/' }, secret: 'whsec_short' }],
  ])('wrong %s is named', async (path, body) => {
    const api = auditApi(mintTenant().as('owner'));
    expect((await api('POST', '/siem-destinations', { name: 'Wrong', ...body })).body).toMatchObject({ status: 422, errors: [{ path }] });
  });
});
