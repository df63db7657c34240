import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consistencyProof, inclusionProof, nodePosition, rangeHash, rootOf, EMPTY_FRONTIER } from '../../../../core/audit/merkle.ts';
import { signNote, verifierKey } from '../../../../core/audit/note.ts';
import { checkpointText } from '../../../../core/audit/checkpoint.ts';
import { mintLog, mintSigner, sha256, type TestLog } from '../../../support/audit-export.ts';
import { buildGo, goMissing } from '../../../support/go.ts';

const COUNT = 37;

interface Case {
  VerifierKey: string;
  Note: string;
  Seq: number;
  Leaf: string;
  Inclusion: string[];
  First: number;
  FirstRoot: string;
  Consistency: string[];
}

describe.skipIf(goMissing() !== null)('Go’s own implementation (golang.org/x/mod/sumdb)', () => {
  let go: ReturnType<typeof buildGo>;
  let log: TestLog;

  beforeAll(async () => {
    go = buildGo(join(import.meta.dirname, 'verify.go'));
    log = await mintLog(COUNT);
  }, 300_000);
  afterAll(() => go?.remove());

  const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64');
  const ask = (input: { Cases?: Case[]; Positions?: Array<{ Level: number; Index: number }> }) =>
    JSON.parse(go.run(JSON.stringify({ Cases: [], Positions: [], ...input }))) as { Faults: string[]; Positions: number[] };
  const rootAt = (size: number) => base64(rootOf(sha256, log.trees[size] ?? EMPTY_FRONTIER));

  async function caseOf(seq: number, first: number, size: number): Promise<Case> {
    const range = rangeHash(sha256, (index) => log.leaves[index] ?? expect.fail());
    return {
      VerifierKey: log.verifierKey,
      Note: await log.checkpoint(size),
      Seq: seq,
      Leaf: base64(log.leaves[seq - 1]),
      Inclusion: inclusionProof(range, seq - 1, size).map(base64),
      First: first,
      FirstRoot: rootAt(first),
      Consistency: consistencyProof(range, first, size).map(base64),
    };
  }

  test('accepts every checkpoint, inclusion and consistency that we make', async () => {
    const sizes = [1, 2, 3, 7, 8, 9, 31, 32, 33, COUNT];
    const cases = await Promise.all(
      sizes.flatMap((size) => Array.from({ length: size }, (_, index) => caseOf(index + 1, size - index, size))),
    );
    expect(ask({ Cases: cases }).Faults.filter((fault) => fault !== '')).toEqual([]);
  });

  test('refuses each of them altered', async () => {
    const good = await caseOf(20, 13, COUNT);
    const other = base64(log.leaves[0]);
    const stranger = await mintSigner();
    const root = log.trees[12]?.hashes[0] ?? expect.fail();
    const altered: Record<string, Case> = {
      'another size in the note': { ...good, Note: good.Note.replace(`\n${COUNT}\n`, `\n${COUNT - 1}\n`) },
      'a root that nobody signed': { ...good, Note: good.Note.replace(rootAt(COUNT), other) },
      'a signed root of another tree': {
        ...good,
        Note: await signNote(checkpointText({ origin: log.signer.name, size: COUNT, root }), [log.signer]),
      },
      'another key': { ...good, VerifierKey: verifierKey(stranger) },
      'another event': { ...good, Leaf: other },
      'another place': { ...good, Seq: 21 },
      'a shorter path': { ...good, Inclusion: good.Inclusion.slice(1) },
      'an altered path': { ...good, Inclusion: good.Inclusion.with(2, other) },
      'another first root': { ...good, FirstRoot: other },
      'another first size': { ...good, First: 14 },
      'an altered history': { ...good, Consistency: good.Consistency.with(1, other) },
    };
    const { Faults } = ask({ Cases: [good, ...Object.values(altered)] });
    expect(Faults[0]).toBe('');
    expect(Object.keys(altered).filter((_, index) => Faults[index + 1] === '')).toEqual([]);
  });

  test('accepts a note of two keys by either, as while the key changes', async () => {
    const [old, next] = await Promise.all([mintSigner(), mintSigner()]);
    const root = rootOf(sha256, log.trees[COUNT] ?? EMPTY_FRONTIER);
    const Note = await signNote(checkpointText({ origin: old.name, size: COUNT, root }), [next, old]);
    const good = await caseOf(5, 5, COUNT);
    expect(ask({ Cases: [old, next].map((signer) => ({ ...good, Note, VerifierKey: verifierKey(signer) })) }).Faults).toEqual(['', '']);
  });

  test('counts the places of kept subtrees as we do', () => {
    const Positions = [0, 1, 2, 5, 10, 20].flatMap((Level) => [0, 1, 2, 3, 1000, 123_456].map((Index) => ({ Level, Index })));
    expect(ask({ Positions }).Positions).toEqual(Positions.map(({ Level, Index }) => nodePosition(Level, Index)));
  });
});
