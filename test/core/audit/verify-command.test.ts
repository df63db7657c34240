import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { verifyAudit } from '../../../cli/verify-audit.ts';
import { LOG, mintLog, mintSigner, sha256, streamLog, type TestLog } from '../../support/audit-export.ts';
import { heapInUse } from '../../support/heap.ts';
import { verifierKey } from '../../../core/audit/note.ts';
import { verifyExport } from '../../../core/audit/verify.ts';

const COUNT = 25;
const BLOCK = 10;
let log: TestLog;
let folder: string;

beforeAll(async () => {
  log = await mintLog(COUNT);
});

const run = async (...args: string[]) => {
  const said = { out: '', err: '' };
  const code = await verifyAudit(args, { out: (text) => (said.out += text), err: (text) => (said.err += text) });
  return { code, ...said };
};

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const numbered = (n: number) => String(n).padStart(12, '0');
const gzipped = (lines: string[]) => gzipSync(lines.join(''));

/** A copy of the bucket: segments with their proofs by day, the latest checkpoint, and what is no part of the log. */
async function putArchive(change: (lines: string[]) => string[] = (lines) => lines): Promise<string> {
  const lines = change([...log.lines]);
  for (let first = 1, day = 1; first <= COUNT; first += BLOCK, day++) {
    const last = Math.min(first + BLOCK - 1, COUNT);
    const name = `tnt_test/2026/11/0${day}/${numbered(first)}-${numbered(last)}`;
    put(`${name}.ndjson.gz`, gzipped(lines.slice(first - 1, last)));
    put(`${name}.proof`, (await log.block(first, last)).join(''));
  }
  put('latest/tnt_test/checkpoint', await log.checkpoint());
  put('tnt_test/quarantine/siem_1/000000000007.json', '{}');
  put('tnt_other/2026/11/01/000000000001-000000000001.ndjson.gz', 'not this one');
  put('dead-letters/2026/11/01/x.json', '{}');
  return folder;
}

describe('gatehouse verify-audit', () => {
  folder = '';
  const fresh = () => (folder = mkdtempSync(join(tmpdir(), 'verify-audit-')));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('a copy of the bucket: the key says whose log it is', async () => {
    fresh();
    const { code, out, err } = await run(await putArchive(), '--key', log.verifierKey, '--whole');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`As recorded: 25 events, 1 to 25, none missing, none added.\n  log         ${LOG}\n  checkpoint  of 25 events\n`);
  });

  test('names file and line of the first bad event, for people and for programs', async () => {
    fresh();
    const path = await putArchive((lines) => lines.with(13, (lines[13] ?? '').replace('Template 14', 'Template 15')));
    const { code, err, out } = await run(path, '--key', log.verifierKey);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(
      'NOT AS RECORDED: Event 14 is not as it was recorded.\n  at 2026/11/02/000000000011-000000000020.ndjson.gz, line 4',
    );
    const json = await run(path, '--key', log.verifierKey, '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      provenTo: 10,
      fault: { kind: 'altered', seq: 14, file: '2026/11/02/000000000011-000000000020.ndjson.gz', line: 4 },
    });
  });

  test('a removed segment, and one without its newest', async () => {
    fresh();
    const path = await putArchive();
    rmSync(join(path, `tnt_test/2026/11/02/${numbered(11)}-${numbered(20)}.ndjson.gz`));
    expect((await run(path, '--key', log.verifierKey)).err).toContain('The events 11 to 20 are missing');
    rmSync(join(path, 'tnt_test/2026/11/03'), { recursive: true });
    expect((await run(path, '--key', log.verifierKey)).err).toContain('The events 11 to 25 are missing');
    // Whoever removes the end removes its checkpoints as well: a kept one tells.
    rmSync(join(path, 'latest'), { recursive: true });
    rmSync(join(path, 'tnt_test/2026/11/02'), { recursive: true });
    expect((await run(path, '--key', log.verifierKey)).code).toBe(0);
    const kept = put('kept.txt', await log.checkpoint(22));
    expect((await run(path, '--key', log.verifierKey, '--checkpoint', kept)).err).toContain('The events 11 to 22 are missing');
  });

  test('a copy made while segments became a larger file: what was not read is named', async () => {
    fresh();
    const path = await putArchive();
    put(`tnt_test/2026/11/01/${numbered(1)}-${numbered(20)}.ndjson.gz`, gzipped(log.lines.slice(0, 20)));
    const { code, out } = await run(path, '--key', log.verifierKey);
    expect(code).toBe(0);
    expect(out.match(/not read: .*/g)).toEqual([
      `not read: 2026/11/01/${numbered(1)}-${numbered(10)}.ndjson.gz, a larger file has its events`,
      `not read: 2026/11/02/${numbered(11)}-${numbered(20)}.ndjson.gz, a larger file has its events`,
    ]);
    expect(JSON.parse((await run(path, '--key', log.verifierKey, '--json')).out).leftOut).toHaveLength(2);
  });

  test('larger files made of segments, whose proofs stayed as they were', async () => {
    fresh();
    const path = await putArchive();
    for (const day of ['01', '02', '03']) {
      const [first, last] = { '01': [1, 10], '02': [11, 20], '03': [21, 25] }[day] ?? [];
      rmSync(join(path, `tnt_test/2026/11/${day}/${numbered(first ?? 0)}-${numbered(last ?? 0)}.ndjson.gz`));
    }
    put(`tnt_test/2026/11/${numbered(1)}-${numbered(25)}.ndjson.gz`, gzipped(log.lines));
    expect(await run(path, '--key', log.verifierKey)).toMatchObject({ code: 0 });
    put(`tnt_test/2026/11/${numbered(1)}-${numbered(25)}.ndjson.gz`, gzipped(log.lines.with(16, '{"salt":""}\n')));
    expect((await run(path, '--key', log.verifierKey)).err).toContain('The line of event 17 was altered');
  });

  test('one file, packed or not, and keys from a file', async () => {
    fresh();
    const lines = await log.export(7);
    const keys = put('keys.txt', `${verifierKey(await mintSigner())}\n${log.verifierKey}\n`);
    for (const path of [put('export.ndjson', lines.join('')), put('export.bin', gzipped(lines)), put('cut', lines.join('').trimEnd())])
      expect(await run(path, '--key', keys)).toMatchObject({ code: 0 });
    const broken = gzipped(lines);
    expect(await run(put('broken.gz', broken.subarray(0, -50)), '--key', keys)).toMatchObject({
      code: 2,
      err: expect.stringContaining('can’t be unpacked'),
    });
  });

  test.each([
    [[], 'Which export?'],
    [['nowhere', '--key', 'x'], 'A verifier key is'],
    [['.', 'more', '--key', 'x'], 'Which export?'],
    [['.'], 'Give --key'],
    [['.', '--kez', 'x'], '--kez'],
  ])('%j is wrongly called', async (args, words) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });

  test('nothing to read is no success', async () => {
    fresh();
    expect(await run(join(folder, 'nowhere'), '--key', log.verifierKey)).toMatchObject({ code: 2 });
    expect(await run(folder, '--key', log.verifierKey)).toMatchObject({ code: 2, err: expect.stringContaining('There is no file') });
    expect(await run(put('empty', ''), '--key', log.verifierKey)).toMatchObject({ code: 1 });
    expect((await run('--help')).out).toContain('Usage: gatehouse verify-audit');
  });
});

test('memory stays bounded, however long the log is', { timeout: 60_000 }, async () => {
  const signer = await mintSigner();
  const used: number[] = [];
  async function* lines() {
    let line = 0;
    for await (const text of streamLog(signer, 40_000)) {
      if (line % 10_000 === 5_000) used.push(heapInUse());
      yield { bytes: new Uint8Array(Buffer.from(text.trimEnd())), file: 'export', line: ++line };
    }
  }
  expect(await verifyExport(lines(), { sha256, verifiers: [signer], whole: true })).toMatchObject({ ok: true, events: 40_000 });
  expect((used.at(-1) ?? 0) - (used[0] ?? 0)).toBeLessThan(4_000_000);
});
