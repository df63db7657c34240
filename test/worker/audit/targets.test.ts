import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { datadogTarget } from '../../../worker/audit/datadog.ts';
import { elasticTarget } from '../../../worker/audit/elastic.ts';
import { s3Target } from '../../../worker/audit/s3.ts';
import type { Target } from '../../../worker/audit/send.ts';
import { send } from '../../../worker/audit/sender.ts';
import { sentinelTarget } from '../../../worker/audit/sentinel.ts';
import { splunkTarget } from '../../../worker/audit/splunk.ts';
import { newWebhookSecret, webhookPublicKey, webhookTarget } from '../../../worker/audit/webhook.ts';
import { mintHec, mintHook, mintSiem } from '../../support/doubles-client.ts';
import { configOf, many, NOW, now, outgoing, random, sendNow } from '../../support/outgoing.ts';

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
    // The library has a clock of its own, and five minutes of patience.
    const secrets = [fresh ?? '', former ?? ''];
    await sendNow(
      webhookTarget(configOf('webhook', { url: hook.url }), secrets, () => new Date()),
      many(2),
    );
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
