import { describe, expect, test } from 'vitest';
import { datadogTarget } from '../../../worker/audit/datadog.ts';
import { elasticTarget } from '../../../worker/audit/elastic.ts';
import { s3Target } from '../../../worker/audit/s3.ts';
import { sentinelTarget, type TokenKeeper } from '../../../worker/audit/sentinel.ts';
import { mintSiem } from '../../support/doubles-client.ts';
import { configOf, ids, many, NOW, now, outgoing, sendNow } from '../../support/outgoing.ts';

const HOUR_MS = 60 * 60_000;

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
