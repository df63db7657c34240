import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHecDouble } from '../../support/hec-double.mjs';

let hec: Awaited<ReturnType<typeof startHecDouble>>;
beforeAll(async () => {
  hec = await startHecDouble();
});
afterAll(() => hec.close());

/** A token of its own for each test, and how to send with it. */
async function mintToken(faults: object = {}) {
  const token = crypto.randomUUID();
  const control = `${hec.url}/control?token=${token}`;
  const set = (changed: object) => fetch(control, { method: 'POST', body: JSON.stringify(changed) });
  await set(faults);
  const send = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
    const response = await fetch(`${hec.url}/services/collector/event`, {
      method: 'POST',
      headers: { Authorization: `Splunk ${token}`, ...headers },
      body,
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const state = async () => (await (await fetch(control)).json()) as { indexed: unknown[]; violations: string[] };
  return { send, set, state };
}

const good = '{"time":1700000000.5,"host":"h","source":"s","sourcetype":"t","index":"main","event":{"a":"}{\\""},"fields":{"x":"1"}}';

describe('it takes what Splunk takes', () => {
  test('events one after the other, packed or not', async () => {
    const { send, state } = await mintToken();
    expect(await send(`${good}${good}\n ${good}`)).toEqual({ status: 200, text: 'Success', code: 0 });
    expect(await send(gzipSync(good), { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 200, code: 0 });
    expect(await state()).toMatchObject({ indexed: Array(4).fill(JSON.parse(good)), violations: [] });
  });
});

describe('it refuses what Splunk refuses, and indexes what stood before', () => {
  test.each([
    ['an unknown key', '{"event":1,"tenant":"x"}', 6],
    ['a time that is text', '{"event":1,"time":"yesterday"}', 6],
    ['a time in milliseconds', '{"event":1,"time":1700000000000}', 6],
    ['no event', '{"time":1700000000}', 12],
    ['a blank event', '{"event":""}', 13],
    ['nested fields', '{"event":1,"fields":{"a":{"b":1}}}', 15],
    ['broken JSON', '{"event":1,,}', 6],
    ['an array', '[{"event":1}]', 6],
    ['a cut end', '{"event":', 6],
  ])('%s', async (_name, bad, code) => {
    const { send, state } = await mintToken();
    expect(await send(good + good + bad + good)).toMatchObject({ status: 400, code, 'invalid-event-number': 2 });
    const { indexed, violations } = await state();
    expect(indexed).toHaveLength(2);
    expect(violations).toHaveLength(1);
  });

  test('nothing at all', async () => {
    expect(await (await mintToken()).send(' ')).toMatchObject({ status: 400, code: 5 });
  });

  test.each([
    ['no token', {}, 401, 2],
    ['another scheme', { Authorization: 'Bearer x' }, 401, 3],
    ['an unknown token', { Authorization: 'Splunk nobody' }, 403, 4],
  ])('%s', async (_name, headers, status, code) => {
    const response = await fetch(`${hec.url}/services/collector/event`, { method: 'POST', headers, body: good });
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })]);
  });
});

describe('its faults', () => {
  test.each([
    [{ disabled: true }, 403, 1],
    [{ busy: 1 }, 503, 9],
    [{ error: 1 }, 500, 8],
    [{ maxBytes: 10 }, 413, 27],
    [{ acknowledge: true }, 400, 10],
    [{ indexes: ['other'] }, 400, 7],
    [{ malformed: 'main' }, 400, 6],
  ])('%o', async (faults, status, code) => {
    const { send, state } = await mintToken(faults);
    expect(await send(good)).toMatchObject({ status, code });
    expect((await state()).indexed).toEqual([]);
  });

  test('so many times, then no more', async () => {
    const { send } = await mintToken({ busy: 2 });
    expect([await send(good), await send(good), await send(good)].map(({ status }) => status)).toEqual([503, 503, 200]);
  });

  test('the answer gets lost after indexing', async () => {
    const { send, state } = await mintToken({ dropAnswer: 1 });
    await expect(send(good)).rejects.toThrow();
    expect((await state()).indexed).toHaveLength(1);
  });
});
