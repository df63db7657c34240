import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { buildGo, goMissing } from '../support/go.ts';
import { ROOT } from '../support/place.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';

/** The log is checked by somebody who has a copy of the bucket, the key, and no wish to ask. */

let product: Product;
let owner: Person;
let copy: string;
let keys: string;

interface Ran {
  code: number;
  out: string;
  err: string;
}
const verify = (...args: string[]): Promise<Ran> =>
  new Promise((done) => {
    const command = [join(ROOT, 'cli/gatehouse.ts'), 'verify-audit', ...args];
    const child = execFile(process.execPath, command, (_, out, err) => done({ code: child.exitCode ?? -1, out, err }));
  });

/** All of the bucket as files. @returns names of the segments of organisations, in order */
async function copyBucket(): Promise<string[]> {
  const bucket = await product.archive();
  const { objects } = await bucket.list();
  await rm(copy, { recursive: true, force: true });
  for (const { key } of objects) {
    await mkdir(dirname(join(copy, key)), { recursive: true });
    await writeFile(join(copy, key), new Uint8Array((await (await bucket.get(key))?.arrayBuffer()) ?? new ArrayBuffer()));
  }
  return objects.map(({ key }) => key).filter((key) => /^tnt_.*\.ndjson\.gz$/.test(key));
}

const status = () => owner.call<{ size: number; archivedTo: number }>('GET', '/audit/status');
const archived = () =>
  until(async () => {
    const { size, archivedTo } = await status();
    return archivedTo === size;
  });

beforeAll(async () => {
  product = await startProduct();
  copy = join(product.stateDir, 'copy');
  owner = await signUp(product.origin, 'proven', 'a long enough password');
  for (const name of ['payments', 'ledger', 'café']) await owner.call('POST', '/groups', { name });
  await archived();
  await owner.call('POST', '/groups', { name: 'later' });
  await archived();
  keys = join(product.stateDir, 'keys.txt');
  const { items } = await owner.call<{ items: Array<{ verifierKey: string }> }>('GET', '/audit/keys');
  await writeFile(keys, items.map(({ verifierKey }) => `${verifierKey}\n`).join(''));
});
afterAll(() => product?.end());

test('a copy of the bucket is as recorded, and leads to the checkpoint that the service signs now', async () => {
  const segments = await copyBucket();
  expect(segments.length).toBeGreaterThan(1);
  const { note, size } = await owner.call<{ note: string; size: number }>('GET', '/audit/checkpoint');
  const kept = join(product.stateDir, 'kept.txt');
  await writeFile(kept, note);
  const { code, out, err } = await verify(copy, '--key', keys, '--whole', '--checkpoint', kept);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain(`As recorded: ${size} events, 1 to ${size}, none missing, none added.`);
});

test('an export with proofs is as recorded', async () => {
  const response = await owner.ask('GET', '/audit/export?format=proof');
  const file = join(product.stateDir, 'export.ndjson');
  await writeFile(file, await response.text());
  expect(await verify(file, '--key', keys, '--whole')).toMatchObject({ code: 0, err: '' });
});

test('one letter of one event, and it is named; so is a segment that is gone', async () => {
  const segments = await copyBucket();
  const file = join(copy, segments.at(-1) ?? '');
  const lines = gunzipSync(await readFile(file))
    .toString()
    .split('\n');
  const place = lines.findIndex((line) => line.includes('"later"'));
  const { seq } = (JSON.parse(lines[place] ?? '') as { event: { seq: number } }).event;
  await writeFile(file, gzipSync(lines.with(place, (lines[place] ?? '').replace('"later"', '"latex"')).join('\n')));
  const altered = await verify(copy, '--key', keys);
  expect(altered.code).toBe(1);
  expect(altered.err).toContain(`NOT AS RECORDED: Event ${seq} is not as it was recorded.`);
  expect(altered.err).toContain(`line ${place + 1}`);
  await rename(file, `${file}.gone`);
  expect((await verify(copy, '--key', keys)).err).toMatch(/NOT AS RECORDED: (Event|The events) .* missing/);
});

interface Proved {
  leafHash: string;
  proof: string[];
  checkpoint: { note: string; size: number };
}

test.skipIf(goMissing() !== null)(
  'Go’s own implementation accepts what the API answers, and nothing else',
  { timeout: 300_000 },
  async () => {
    const go = buildGo(join(ROOT, 'test/core/audit/interop/verify.go'));
    onTestFinished(go.remove);
    const { size } = await status();
    const inclusion = await owner.call<Proved>('GET', `/audit/proof?seq=2&size=${size}`);
    const consistency = await owner.call<Proved & { first: { size: number; root: string } }>(
      'GET',
      `/audit/consistency?first=3&second=${size}`,
    );
    const good = {
      VerifierKey: (await readFile(keys, 'utf8')).trim(),
      Note: inclusion.checkpoint.note,
      ...{ Seq: 2, Leaf: inclusion.leafHash, Inclusion: inclusion.proof },
      ...{ First: 3, FirstRoot: consistency.first.root, Consistency: consistency.proof },
    };
    const cases = [
      good,
      { ...good, Seq: 1 },
      { ...good, First: 2 },
      { ...good, Note: good.Note.replace(`\n${size}\n`, `\n${size + 1}\n`) },
    ];
    const { Faults } = JSON.parse(go.run(JSON.stringify({ Cases: cases, Positions: [] }))) as { Faults: string[] };
    expect(Faults.map((fault) => fault === '')).toEqual([true, false, false, false]);
  },
);
