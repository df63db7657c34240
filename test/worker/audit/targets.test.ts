import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { destinationConfig, type DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { datadogTarget } from '../../../worker/audit/datadog.ts';
import { elasticTarget } from '../../../worker/audit/elastic.ts';
import { s3Target } from '../../../worker/audit/s3.ts';
import { ask, type OutgoingEvent, type Target } from '../../../worker/audit/send.ts';
import { send } from '../../../worker/audit/sender.ts';
import { sentinelTarget, type TokenKeeper } from '../../../worker/audit/sentinel.ts';
import { splunkTarget } from '../../../worker/audit/splunk.ts';
import { newWebhookSecret, webhookPublicKey, webhookTarget } from '../../../worker/audit/webhook.ts';
import { mintHec, mintHook, mintSiem } from '../../support/doubles-client.ts';

const NOW = new Date();
const now = () => NOW;
const HOUR_MS = 60 * 60_000;

const outgoing = (seq: number, name = 'Payments', time = NOW): OutgoingEvent => {
  const event: AuditEvent = {
    ...{ id: `evt_${String(seq).padStart(4, '0')}`, seq, time: time.toISOString(), recordedAt: time.toISOString() },
    actor: { type: 'user', id: 'usr_1', name: 'Ines', email: 'ines@acme.test', via: 'session' },
    ...{ action: 'template.create', resource: { type: 'template', id: 'tpl_1', name }, outcome: 'success', status: 201, reason: null },
    ...{ origin: null, requestId: null, sessionId: null, workspaceId: null, grantId: null, diff: [], details: {} },
  };
  return { event, format: 'native', body: JSON.stringify(event) };
};
const many = (count: number) => Array.from({ length: count }, (_, index) => outgoing(index + 1));
const ids = (events: OutgoingEvent[]) => events.map(({ event }) => event.id);
const sendNow = (target: Target, events: OutgoingEvent[]) => send(target, events, (request) => ask(request, { now: NOW }));
const configOf = <T extends DestinationConfig['type']>(type: T, config: object) =>
  destinationConfig.parse({ type, ...config }) as Extract<DestinationConfig, { type: T }>;
const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

/** What every status without words of its own means there: the table of docs/audit-integration.md. */
const STATUSES = [
  [301, 'hold'],
  [302, 'hold'],
  [401, 'hold'],
  [403, 'hold'],
  [404, 'hold'],
  [408, 'retry'],
  [413, 'split'],
  [429, 'retry'],
  [500, 'retry'],
  [502, 'retry'],
  [503, 'retry'],
  [504, 'retry'],
] as const;

/** Each kind of destination at a receiver of its own that answers whatever the test wants. */
const TARGETS: Array<[string, (url: string) => Target, Partial<Record<number, string>>]> = [
  ['Splunk', (url) => splunkTarget(configOf('splunk-hec', { url }), 'token', 'snk_1', 'gate.test'), { 200: 'hold', 400: 'hold' }],
  // A webhook may be gone for a while at 404; whatever else it means is its own affair.
  [
    'webhook',
    (url) => webhookTarget(configOf('webhook', { url }), ['whsec_AAAA'], now),
    { 200: 'delivered', 204: 'delivered', 400: 'retry', 404: 'retry', 410: 'gone' },
  ],
  [
    'S3',
    (url) => s3Target(configOf('s3', { url, bucket: 'trail', accessKeyId: 'AKIATEST' }), 'secret', now),
    { 200: 'delivered', 400: 'hold', 409: 'retry', 412: 'delivered', 501: 'retry' },
  ],
  [
    'Datadog',
    (url) => datadogTarget(configOf('datadog', { url }), 'key', 'gate.test', now),
    { 200: 'hold', 202: 'delivered', 204: 'hold', 400: 'split' },
  ],
  ['Elastic', (url) => elasticTarget(configOf('elastic', { url }), 'key'), { 200: 'hold', 400: 'split' }],
  [
    'Sentinel',
    (url) => {
      const { directoryId, clientId, ruleId, stream } = mintSiem('sentinel').config;
      const config = configOf('sentinel', { url, authority: url, directoryId, clientId, ruleId, stream });
      return sentinelTarget(config, 'secret', { read: async () => 'token', keep: async () => {}, forget: async () => {} }, now);
    },
    { 200: 'delivered', 204: 'delivered', 400: 'split' },
  ],
];

describe.each(TARGETS)('%s: what each status means', (_name, make, own) => {
  const table = [
    ...STATUSES.filter(([status]) => own[status] === undefined),
    ...Object.entries(own).map(([status, kind]) => [Number(status), kind] as const),
  ];
  test.each(table)('%i: %s', async (status, kind) => {
    const hook = mintHook();
    await hook.answer({ status });
    expect(await sendNow(make(hook.url), many(3))).toMatchObject({ kind, status });
  });

  test('429 names its time: in seconds, or as a date, and at most an hour', async () => {
    const hook = mintHook();
    for (const [said, seconds] of [
      ['17', 17],
      [new Date(NOW.getTime() + 90_000).toUTCString(), 90],
      ['86400', 3_600],
    ] as const) {
      await hook.answer({ status: 429, headers: { 'Retry-After': said } });
      const outcome = await sendNow(make(hook.url), many(1));
      expect(outcome.kind === 'retry' && Math.abs((outcome.afterSeconds ?? 0) - seconds)).toBeLessThanOrEqual(1);
    }
  });

  test('no secret is in what is said of an answer', async () => {
    const hook = mintHook();
    await hook.answer({ status: 500, body: 'token key secret whsec_AAAA' });
    expect((await sendNow(make(hook.url), many(1))).message).not.toMatch(/token|key|secret|whsec/);
  });
});

test('what no target says: too many, too large, too slow, is settled by the packing', async () => {
  const target: Target = {
    limits: { events: 3, bytes: 60 },
    encode: ({ event }) => event.resource.name,
    frame: { open: '[', between: ',', close: ']' },
    fault: (_, encoded) => (encoded === 'spoilt' ? 'It would be spoilt' : null),
    request: async (body) => ({ method: 'POST', url: 'https://siem.test/', headers: {}, body }),
    judge: (_, events) => ({ kind: 'delivered', count: events.length, status: 200, message: '' }),
  };
  const bodies: string[] = [];
  const pack = async (names: string[]) => {
    const events = names.map((name, index) => outgoing(index + 1, name));
    return send(target, events, async ({ body }) => {
      bodies.push(String(body));
      return { status: 200, text: '', retryAfter: null };
    });
  };
  expect(await pack(['a', 'b', 'c', 'd'])).toMatchObject({ count: 3 });
  // Bytes, not characters.
  expect(await pack(['ä'.repeat(15), 'ö'.repeat(15), 'c'])).toMatchObject({ count: 1 });
  expect(await pack(['x'.repeat(100), 'b'])).toMatchObject({ count: 1 });
  expect(bodies).toEqual(['[a,b,c]', `[${'ä'.repeat(15)}]`, `[${'x'.repeat(100)}]`]);
  expect(await pack(['a', 'spoilt', 'c'])).toMatchObject({ kind: 'delivered', count: 1 });
  expect(await pack(['spoilt', 'c'])).toMatchObject({ kind: 'refused', index: 0, message: 'It would be spoilt' });
});

describe('Splunk', () => {
  const at = async (faults = {}) => {
    const hec = mintHec();
    await hec.set(faults);
    return { hec, target: splunkTarget(configOf('splunk-hec', { url: hec.url }), hec.token, 'snk_1', 'gate.test') };
  };

  test('400 with invalid-event-number: what stood before it is indexed, and counts as delivered', async () => {
    const { hec, target } = await at({ malformed: 'Poison' });
    const events = [outgoing(1), outgoing(2), outgoing(3, 'Poison'), outgoing(4)];
    expect(await sendNow(target, events)).toMatchObject({ kind: 'refused', index: 2, status: 400 });
    expect((await hec.state()).indexed.map(({ event }) => event.id)).toEqual(['evt_0001', 'evt_0002']);
    expect(await sendNow(target, events.slice(3))).toMatchObject({ kind: 'delivered' });
    expect((await hec.state()).indexed).toHaveLength(3);
  });

  test('its health check says nothing of the token, which is why a test is a real event', async () => {
    const { hec, target } = await at({ disabled: true });
    expect((await fetch(`${hec.url}/services/collector/health`)).status).toBe(200);
    expect(await sendNow(target, many(1))).toMatchObject({ kind: 'hold', status: 403 });
  });
});

describe('webhooks', () => {
  test('during a rotation the stock library verifies with the new secret and with the former one', async () => {
    const hook = mintHook();
    const [fresh, former, other] = await Promise.all([1, 2, 3].map(() => newWebhookSecret('hmac', random)));
    await sendNow(webhookTarget(configOf('webhook', { url: hook.url }), [fresh ?? '', former ?? ''], now), many(2));
    const [{ headers, body } = expect.fail()] = await hook.deliveries();
    for (const secret of [fresh, former]) expect(new Webhook(secret ?? '').verify(body, headers)).toHaveLength(2);
    expect(() => new Webhook(other ?? '').verify(body, headers)).toThrow();
  });

  test('v1a: the public key verifies, of both secrets of a rotation, and nothing else does', async () => {
    const hook = mintHook();
    const secrets = [await newWebhookSecret('ed25519', random), await newWebhookSecret('ed25519', random)];
    await sendNow(webhookTarget(configOf('webhook', { url: hook.url, signing: 'ed25519' }), secrets, now), many(2));
    const [{ headers, body } = expect.fail()] = await hook.deliveries();
    const signatures = (headers['webhook-signature'] ?? '').split(' ').map((each) => each.split(','));
    expect(signatures.map(([version]) => version)).toEqual(['v1a', 'v1a']);
    const verify = async (index: number, content: string) => {
      const shown = (await webhookPublicKey('ed25519', secrets[index] ?? '')) ?? '';
      expect(shown).toMatch(/^whpk_/);
      const key = await crypto.subtle.importKey('raw', Buffer.from(shown.slice(5), 'base64'), 'Ed25519', false, ['verify']);
      const signature = Buffer.from(signatures[index]?.[1] ?? '', 'base64');
      return crypto.subtle.verify('Ed25519', key, signature, new TextEncoder().encode(content));
    };
    const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect([await verify(0, content), await verify(1, content), await verify(0, `${content} `)]).toEqual([true, true, false]);
  });
});

describe('S3', () => {
  const at = async (faults = {}, secret?: string) => {
    const s3 = mintSiem('s3');
    await s3.set(faults);
    return { s3, target: s3Target(configOf('s3', s3.config), secret ?? s3.secret, now) };
  };

  test('a signed object of its own for each batch, which the service takes', async () => {
    const { s3, target } = await at();
    expect(await sendNow(target, many(3))).toMatchObject({ kind: 'delivered', count: 3, status: 200 });
    const { objects, violations } = await s3.state();
    expect(violations).toEqual([]);
    const day = NOW.toISOString().slice(0, 10).replaceAll('-', '/');
    expect(Object.keys(objects)).toEqual([
      expect.stringMatching(new RegExp(`^trail/${day}/000000000001-000000000003-[0-9a-f]{16}\\.ndjson\\.gz$`)),
    ]);
    expect(await s3.ids()).toEqual(ids(many(3)));
  });

  test('a repetition finds the object there and overwrites nothing', async () => {
    const { s3, target } = await at({ dropAnswer: 1 });
    await expect(sendNow(target, many(3))).rejects.toThrow();
    expect(await sendNow(target, many(3))).toMatchObject({ kind: 'delivered', count: 3, status: 412 });
    expect(await s3.ids()).toEqual(ids(many(3)));
  });

  test('a service without conditional writes gets the same object under the same name', async () => {
    const { s3, target } = await at({ unconditional: true });
    for (let round = 0; round < 2; round++) expect(await sendNow(target, many(2))).toMatchObject({ kind: 'delivered', status: 200 });
    expect((await s3.state()).violations).toEqual([]);
    expect(await s3.ids()).toEqual(ids(many(2)));
  });

  test.each([
    ['a wrong secret', {}, 'not-the-secret', 'SignatureDoesNotMatch'],
    ['another region', { region: 'us-east-1' }, undefined, 'AuthorizationHeaderMalformed'],
    ['a key that may not write', { denied: true }, undefined, 'AccessDenied'],
    ['clocks that differ', { clockMs: 3_600_000 }, undefined, 'RequestTimeTooSkewed'],
  ])('%s: held, in the words of the service', async (_name, faults, secret, code) => {
    const { target } = await at(faults, secret);
    const outcome = await sendNow(target, many(1));
    expect(outcome.kind).toBe('hold');
    expect(outcome.message).toContain(code);
  });
});

describe('Sentinel', () => {
  const keeper = () => {
    let kept: { token: string; until: Date } | null = null;
    const tokens: TokenKeeper = {
      read: async () => (kept && kept.until > NOW ? kept.token : null),
      keep: async (token, until) => void (kept = { token, until }),
      forget: async () => void (kept = null),
    };
    return tokens;
  };
  const at = async (faults = {}, secret?: string) => {
    const sentinel = mintSiem('sentinel');
    await sentinel.set(faults);
    return { sentinel, target: sentinelTarget(configOf('sentinel', sentinel.config), secret ?? sentinel.secret, keeper(), now) };
  };

  test('one token serves many batches, and its columns are none of the reserved ones', async () => {
    const { sentinel, target } = await at();
    for (let round = 0; round < 3; round++)
      expect(await sendNow(target, many(2))).toMatchObject({ kind: 'delivered', count: 2, status: 204 });
    const { issued, violations, events } = await sentinel.state();
    expect({ issued, violations, count: events.length }).toEqual({ issued: 1, violations: [], count: 6 });
    expect(events[0]).toMatchObject({ EventId: 'evt_0001', Action: 'template.create', Event: { id: 'evt_0001' } });
  });

  test('a token that was revoked before its time is got anew, in the same delivery', async () => {
    const { sentinel, target } = await at();
    await sendNow(target, many(1));
    await sentinel.set({ revoke: true });
    expect(await sendNow(target, many(2))).toMatchObject({ kind: 'delivered' });
    expect((await sentinel.state()).issued).toBe(2);
  });

  test.each([
    ['a wrong client secret', {}, 'not-the-secret', 'invalid_client'],
    ['no role on the rule', { forbidden: true }, undefined, 'OperationFailed'],
    ['another rule', { ruleId: `dcr-${'b'.repeat(32)}` }, undefined, 'NotFound'],
  ])('%s: held, in Microsoft’s words', async (_name, faults, secret, code) => {
    const { target } = await at(faults, secret);
    const outcome = await sendNow(target, many(1));
    expect(outcome.kind).toBe('hold');
    expect(outcome.message).toContain(code);
  });

  test('a token’s place that is down is tried again, and never named with the secret', async () => {
    const { sentinel, target } = await at({ answer: { status: 503, times: -1, path: 'token', headers: { 'Retry-After': '9' } } });
    const outcome = await sendNow(target, many(1));
    expect(outcome).toMatchObject({ kind: 'retry', afterSeconds: 9 });
    expect(JSON.stringify(outcome)).not.toContain(sentinel.secret);
  });

  test('an event that it would cut is set aside instead', async () => {
    const { sentinel, target } = await at();
    expect(await sendNow(target, [outgoing(1, 'x'.repeat(70_000))])).toMatchObject({ kind: 'refused', index: 0, status: null });
    expect((await sentinel.state()).events).toEqual([]);
  });

  test('a megabyte is the most', async () => {
    const { sentinel, target } = await at();
    const events = Array.from({ length: 40 }, (_, index) => outgoing(index + 1, 'x'.repeat(50_000)));
    const outcome = await sendNow(target, events);
    expect(outcome).toMatchObject({ kind: 'delivered', count: 9 });
    expect((await sentinel.state()).events).toHaveLength(9);
  });
});

describe('Datadog', () => {
  const at = async (faults = {}) => {
    const datadog = mintSiem('datadog');
    await datadog.set(faults);
    return { datadog, target: datadogTarget(configOf('datadog', datadog.config), datadog.secret, 'gate.test', now) };
  };

  test('an array of logs, each with its time', async () => {
    const { datadog, target } = await at();
    expect(await sendNow(target, many(3))).toMatchObject({ kind: 'delivered', count: 3, status: 202 });
    const { events, violations } = await datadog.state();
    expect(violations).toEqual([]);
    expect(events[0]).toMatchObject({
      timestamp: NOW.toISOString(),
      ddtags: 'env:test,format:native',
      message: 'Ines created template Payments',
    });
  });

  test('what is older than 18 hours, which it would throw away with a 202, is dated anew, tagged, and said', async () => {
    const { datadog, target } = await at();
    const old = new Date(NOW.getTime() - 19 * HOUR_MS);
    const outcome = await sendNow(target, [outgoing(1, 'Old', old), outgoing(2)]);
    expect(outcome).toMatchObject({ kind: 'delivered', count: 2, note: expect.stringContaining('1 events are older than 18 hours') });
    const { events, violations } = await datadog.state();
    expect(violations).toEqual([]);
    expect(events[0]).toMatchObject({ ddtags: 'env:test,format:native,backfilled:true', gatehouse: { time: old.toISOString() } });
    expect(events[0]).not.toHaveProperty('timestamp');
  });

  test('a log that it would cut with a 202 is set aside instead', async () => {
    const { target } = await at();
    expect(await sendNow(target, [outgoing(1, 'x'.repeat(1_000_001))])).toMatchObject({ kind: 'refused', index: 0 });
  });

  test('a wrong key: held, in its words', async () => {
    const datadog = mintSiem('datadog');
    await datadog.set();
    const outcome = await sendNow(datadogTarget(configOf('datadog', datadog.config), 'not-the-key', 'gate.test', now), many(1));
    expect(outcome).toMatchObject({ kind: 'hold', status: 403, message: 'Datadog answered 403: Forbidden' });
  });
});

describe('Elastic', () => {
  const at = async (faults = {}) => {
    const elastic = mintSiem('elastic');
    await elastic.set(faults);
    return { elastic, target: elasticTarget(configOf('elastic', elastic.config), elastic.secret) };
  };

  test('each event is created under its id; a repetition finds it there', async () => {
    const { elastic, target } = await at({ dropAnswer: 1 });
    await expect(sendNow(target, many(3))).rejects.toThrow();
    expect(await sendNow(target, many(4))).toMatchObject({ kind: 'delivered', count: 4 });
    expect(await elastic.ids()).toEqual(ids(many(4)));
  });

  test('200 with errors: the one that doesn’t fit is refused, those before it are there', async () => {
    const { elastic, target } = await at({ malformed: 'Poison' });
    const events = [outgoing(1), outgoing(2, 'Poison'), outgoing(3)];
    expect(await sendNow(target, events)).toMatchObject({
      kind: 'refused',
      index: 1,
      message: expect.stringContaining('document_parsing_exception'),
    });
    // The third went in as well: it answers 409 when it comes again, and that is a yes.
    expect(await sendNow(target, events.slice(2))).toMatchObject({ kind: 'delivered', count: 1 });
    expect(await elastic.ids()).toEqual(['evt_0001', 'evt_0003']);
  });

  test('429 of some items: those before them count, the rest comes again', async () => {
    const { elastic, target } = await at({ reject: { from: 2, count: 1 } });
    expect(await sendNow(target, many(4))).toMatchObject({ kind: 'delivered', count: 2 });
    expect(await sendNow(target, many(4).slice(2))).toMatchObject({ kind: 'delivered', count: 2 });
    expect((await elastic.ids()).sort()).toEqual(ids(many(4)));
  });

  test('429 of the first item is tried again', async () => {
    const { target } = await at({ reject: { from: 0, count: 4 } });
    expect(await sendNow(target, many(4))).toMatchObject({ kind: 'retry', status: 429 });
  });

  test('a key that may not write: held', async () => {
    const { target } = await at({ denied: true });
    expect(await sendNow(target, many(1))).toMatchObject({ kind: 'hold', message: expect.stringContaining('security_exception') });
  });
});
