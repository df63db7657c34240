import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { signCheckpoint } from '../../../core/audit/checkpoint.ts';
import { linesOf } from '../../../core/audit/export-lines.ts';
import { inclusionProof, leafHash, rangeHash, rootOf } from '../../../core/audit/merkle.ts';
import { checkpointLine, erasedLine, eventLine, leavesLine, proofLine } from '../../../core/audit/proof-lines.ts';
import { verifyExport, type VerifyOptions } from '../../../core/audit/verify.ts';
import type { Verdict } from '../../../core/audit/verdict.ts';
import { asLines, LOG, mintLog, mintSigner, sha256, type TestLog } from '../../support/audit-export.ts';

const COUNT = 23;
const BLOCK = 10;
let log: TestLog;
/** the whole log with what vouches for it */
let honest: string[];
/** where each event stands in it, the first event's place first */
let places: number[];

beforeAll(async () => {
  log = await mintLog(COUNT);
  honest = await log.export(BLOCK);
  places = honest.flatMap((line, index) => (line.startsWith('{"salt"') ? [index] : []));
});

const verify = (lines: readonly (string | Uint8Array)[], options: Partial<VerifyOptions> = {}): Promise<Verdict> =>
  verifyExport(asLines(lines), { sha256, verifiers: [log.signer], ...options });
const faultOf = async (lines: readonly (string | Uint8Array)[], options: Partial<VerifyOptions> = {}) =>
  (await verify(lines, options)).fault;

const seqs = fc.integer({ min: 1, max: COUNT });
const at = (seq: number) => places[seq - 1] ?? expect.fail(`no event ${seq}`);
const without = (seq: number) => honest.filter((_, index) => index !== at(seq));
const put = (lines: string[], index: number, line: string) => [...lines.slice(0, index), line, ...lines.slice(index)];
/** an event that was never recorded, with that number */
const forged = (seq: number) => eventLine('00'.repeat(16), JSON.stringify({ id: 'evt_forged', seq, action: 'role.assign' }));

describe('an honest export', () => {
  test('of the whole log is verified', async () => {
    expect(await verify(honest)).toEqual({
      ok: true,
      origin: LOG,
      kind: 'log',
      first: 1,
      last: COUNT,
      events: COUNT,
      erased: { count: 0, seqs: [] },
      provenTo: COUNT,
      unrecognised: 0,
      fault: null,
    });
    expect((await verify(honest, { whole: true })).ok).toBe(true);
  });

  test('of any size, in blocks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), async (count, blockOf) => {
        const some = await mintLog(count);
        const verdict = await verifyExport(asLines(await some.export(blockOf)), { sha256, verifiers: [some.signer] });
        expect(verdict).toMatchObject({ ok: true, events: count, provenTo: count });
      }),
      { numRuns: 30 },
    );
  });

  test('with nothing but its events and a checkpoint that somebody kept', async () => {
    expect(await verify(log.lines, { checkpoints: [await log.checkpoint()] })).toMatchObject({ ok: true, provenTo: COUNT });
  });

  test('that begins in the middle, because what is older is gone', async () => {
    const rest = [...(await log.block(11, 20)), ...log.lines.slice(10, 20)];
    expect(await verify(rest)).toMatchObject({ ok: true, first: 11, last: 20, provenTo: 20 });
    expect(await faultOf(rest, { whole: true })).toMatchObject({ kind: 'missing', seq: 1, message: 'The events 1 to 10 are missing' });
  });

  test('with erased events: they are accepted and counted', async () => {
    const erased = honest.with(at(4), erasedLine(4, log.leaves[3] ?? expect.fail(), '2026-11-26T00:00:00.000Z'));
    expect(await verify(erased)).toMatchObject({ ok: true, erased: { count: 1, seqs: [4] } });
    const wrong = honest.with(at(4), erasedLine(4, log.leaves[4] ?? expect.fail(), '2026-11-26T00:00:00.000Z'));
    expect(await faultOf(wrong)).toMatchObject({ kind: 'altered', seq: 4 });
  });

  test('over a change of the key: the checkpoints of another key vouch for nothing and harm nothing', async () => {
    const former = await mintSigner();
    const early = await signCheckpoint({ origin: LOG, size: 10, root: rootOf(sha256, log.trees[10] ?? expect.fail()) }, [former]);
    const rotated = honest.with(2, checkpointLine(early));
    expect(await verify(rotated)).toMatchObject({ ok: true, unrecognised: 1, provenTo: COUNT });
    expect(await verify(rotated, { verifiers: [log.signer, former] })).toMatchObject({ ok: true, unrecognised: 0 });
    expect(await faultOf(rotated, { verifiers: [former] })).toMatchObject({ kind: 'unproven', seq: 11 });
  });
});

describe('the first event that is not as it was recorded is named', () => {
  test('any byte of any event', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, fc.nat(), fc.integer({ min: 1, max: 255 }), async (seq, where, change) => {
        const bytes = new Uint8Array(Buffer.from(honest[at(seq)]?.trimEnd() ?? ''));
        const index = where % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        // A line end in the middle makes two lines of one.
        const lines: Array<string | Uint8Array> = bytes[index] === 10 ? [bytes.slice(0, index), bytes.slice(index + 1)] : [bytes];
        expect(await faultOf([...honest.slice(0, at(seq)), ...lines, ...honest.slice(at(seq) + 1)])).toMatchObject({
          seq,
          line: at(seq) + 1,
        });
      }),
      { numRuns: 500 },
    );
  });

  test('altered, and written as well as ever', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, async (seq) => {
        expect(await faultOf(honest.with(at(seq), forged(seq)))).toMatchObject({ kind: 'altered', seq, line: at(seq) + 1 });
      }),
    );
  });

  test('two altered: the first', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, seqs, async (one, other) => {
        const lines = honest.with(at(one), forged(one)).with(at(other), forged(other));
        expect(await faultOf(lines)).toMatchObject({ kind: 'altered', seq: Math.min(one, other) });
      }),
    );
  });

  test('removed', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, async (seq) => {
        expect(await faultOf(without(seq))).toMatchObject({ kind: 'missing', seq, message: `Event ${seq} is missing` });
      }),
    );
    expect(await faultOf(honest.filter((_, index) => index < at(3) || index > at(6)))).toMatchObject({
      message: 'The events 3 to 6 are missing',
    });
  });

  test('the end cut off', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, async (seq) => {
        expect(await faultOf(honest.slice(0, at(seq)), { checkpoints: [await log.checkpoint()] })).toMatchObject({ kind: 'missing', seq });
      }),
    );
  });

  test('inserted, whatever number it has', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, fc.integer({ min: 1, max: COUNT + 5 }), async (before, number) => {
        const fault = await faultOf(put(honest, at(before), forged(number)));
        expect(fault).toMatchObject({ line: at(before) + 1, seq: number < before ? number : before });
        expect(fault?.kind).toBe(number === before ? 'inserted' : number < before ? 'duplicate' : 'moved');
      }),
    );
    expect(await faultOf([...honest, forged(COUNT + 1)])).toMatchObject({ kind: 'unproven', seq: COUNT + 1 });
  });

  test('duplicated, there or anywhere behind', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, seqs, async (one, other) => {
        const [seq, behind] = [Math.min(one, other), Math.max(one, other)];
        const lines = put(honest, at(behind) + 1, honest[at(seq)] ?? '');
        expect(await faultOf(lines)).toMatchObject({ kind: 'duplicate', seq, line: at(behind) + 2 });
      }),
    );
  });

  test('two exchanged', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, seqs, async (one, other) => {
        fc.pre(one !== other);
        const lines = honest.with(at(one), honest[at(other)] ?? '').with(at(other), honest[at(one)] ?? '');
        expect(await faultOf(lines)).toMatchObject({ kind: 'moved', seq: Math.min(one, other) });
      }),
    );
  });

  test('moved elsewhere', async () => {
    await fc.assert(
      fc.asyncProperty(seqs, seqs, async (seq, to) => {
        fc.pre(seq !== to);
        const lines = without(seq);
        const target = lines.indexOf(honest[at(to)] ?? '') + (to > seq ? 1 : 0);
        expect(await faultOf(put(lines, target, honest[at(seq)] ?? ''))).toMatchObject({ kind: 'moved', seq: Math.min(seq, to) });
      }),
    );
  });
});

describe('what vouches for the events may be altered, too', () => {
  test('any byte of it: found, or it changes nothing that is proven', async () => {
    const others = () => honest.flatMap((line, index) => (line.startsWith('{"salt"') ? [] : [index]));
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, where, change) => {
        const indexes = others();
        const place = indexes[which % indexes.length] ?? 0;
        const bytes = new Uint8Array(Buffer.from(honest[place]?.trimEnd() ?? ''));
        bytes[where % bytes.length] = (bytes[where % bytes.length] ?? 0) ^ change;
        fc.pre(!bytes.includes(10));
        const { ok, events, provenTo } = await verify([...honest.slice(0, place), bytes, ...honest.slice(place + 1)]);
        if (ok) expect({ events, provenTo }).toEqual({ events: COUNT, provenTo: COUNT });
      }),
      { numRuns: 500 },
    );
  });

  test('an altered event with leaf hashes to match is found by the root, and bounded by the checkpoints', async () => {
    const [salt, body] = ['00'.repeat(16), JSON.stringify({ id: 'evt_forged', seq: 14 })];
    const leaves = log.leaves.slice(10, 20).with(3, leafHash(sha256, sha256(Buffer.from(salt, 'hex'), Buffer.from(body))));
    const index = honest.findIndex((line) => line.startsWith('{"leaves":{"first":11'));
    const lines = honest.with(at(14), eventLine(salt, body)).with(index, leavesLine(11, new Uint8Array(Buffer.concat(leaves))));
    expect(await faultOf(lines)).toMatchObject({
      kind: 'altered',
      seq: 11,
      message: 'One of the events 11 to 20 is not as it was recorded, and nothing here tells which',
    });
  });

  test('a checkpoint with an altered root, another log’s, and one that contradicts', async () => {
    const root = rootOf(sha256, log.trees[9] ?? expect.fail());
    const wrong = await signCheckpoint({ origin: LOG, size: 10, root }, [log.signer]);
    expect(await faultOf(honest, { checkpoints: [wrong] })).toMatchObject({
      kind: 'checkpoint',
      message: expect.stringContaining('contradict'),
    });
    const other = await mintSigner('gatehouse.test/audit/tnt_other');
    const foreign = await signCheckpoint({ origin: other.name, size: 10, root }, [other]);
    expect(await faultOf(honest, { checkpoints: [foreign], verifiers: [log.signer, other] })).toMatchObject({ kind: 'checkpoint' });
    const text = await log.checkpoint();
    const altered = text.replace(`\n${COUNT}\n`, `\n${COUNT - 1}\n`);
    expect(await faultOf(honest, { checkpoints: [altered] })).toMatchObject({
      kind: 'checkpoint',
      message: expect.stringContaining('was altered'),
    });
  });

  test('without a checkpoint, or with a stranger’s only, nothing is proven', async () => {
    expect(await faultOf(log.lines)).toMatchObject({ kind: 'unproven', seq: 1 });
    expect(await faultOf(honest, { verifiers: [await mintSigner()] })).toMatchObject({
      kind: 'unproven',
      message: expect.stringContaining('signed by other keys'),
    });
    expect(await faultOf([])).toMatchObject({ kind: 'unproven', seq: null });
  });

  test('a kept checkpoint from before the first event can’t be compared, and that is said', async () => {
    const rest = [...(await log.block(11, 20)), ...log.lines.slice(10, 20)];
    expect(await faultOf(rest, { checkpoints: [await log.checkpoint(5)] })).toMatchObject({ kind: 'checkpoint' });
    expect((await verify(rest, { checkpoints: [await log.checkpoint(10)] })).ok).toBe(true);
    expect(
      await faultOf(rest, { checkpoints: [await signCheckpoint({ origin: LOG, size: 10, root: sha256() }, [log.signer])] }),
    ).toMatchObject({ kind: 'checkpoint' });
  });
});

describe('a selection, each event with its own proof', () => {
  const chosen = [3, 8, 9, 21];
  let selection: string[];

  beforeAll(async () => {
    const range = rangeHash(sha256, (index) => log.leaves[index] ?? expect.fail());
    const proved = (seq: number) => [log.lines[seq - 1] ?? '', proofLine(seq, COUNT, inclusionProof(range, seq - 1, COUNT))];
    selection = [checkpointLine(await log.checkpoint()), ...chosen.flatMap(proved)];
  });

  test('is verified', async () => {
    expect(await verify(selection)).toMatchObject({ ok: true, kind: 'selection', first: 3, last: 21, events: 4, provenTo: COUNT });
    expect(await faultOf(selection, { whole: true })).toMatchObject({ kind: 'missing' });
  });

  test('any byte of any line: found', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, where, change) => {
        const place = which % selection.length;
        const bytes = new Uint8Array(Buffer.from(selection[place]?.trimEnd() ?? ''));
        bytes[where % bytes.length] = (bytes[where % bytes.length] ?? 0) ^ change;
        expect((await verify([...selection.slice(0, place), bytes, ...selection.slice(place + 1)])).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('names an altered event, one without its proof, one twice and one out of order', async () => {
    expect(await faultOf(selection.with(3, forged(8)))).toMatchObject({ kind: 'altered', seq: 8 });
    expect(await faultOf(selection.toSpliced(4, 1))).toMatchObject({ kind: 'unproven', seq: 8 });
    expect(await faultOf(selection.toSpliced(3, 0, ...selection.slice(1, 3)))).toMatchObject({ kind: 'duplicate', seq: 3 });
    expect(await faultOf([...selection, ...selection.slice(1, 3)])).toMatchObject({ kind: 'moved', seq: 3 });
  });
});

describe('lines', () => {
  test('are the same however the bytes come in', async () => {
    const text = Buffer.from('one\n\ntwo “ü”\nthree');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length)), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
        async function* chunks() {
          for (const [index, edge] of edges.slice(1).entries()) yield new Uint8Array(text.subarray(edges[index], edge));
        }
        const found: string[] = [];
        for await (const { bytes } of linesOf(chunks(), 'file')) found.push(Buffer.from(bytes).toString());
        expect(found).toEqual(['one', '', 'two “ü”', 'three']);
      }),
    );
  });
});
