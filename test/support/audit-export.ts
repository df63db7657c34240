import { createHash, generateKeyPairSync } from 'node:crypto';
import { signCheckpoint } from '../../core/audit/checkpoint.ts';
import type { ExportLine } from '../../core/audit/export-lines.ts';
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf, type Frontier, type Sha256 } from '../../core/audit/merkle.ts';
import { signerOf, verifierKey, type Signer, type SigningKey } from '../../core/audit/note.ts';
import { beforeLine, checkpointLine, eventLine, leavesLine } from '../../core/audit/proof-lines.ts';

export const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export const LOG = 'gatehouse.test/audit/tnt_test';

export const mintSigner = (name = LOG): Promise<Signer> =>
  signerOf(name, generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as SigningKey);

/** A log as the ledger would have recorded it, with the tree before each event. */
export interface TestLog {
  signer: Signer;
  verifierKey: string;
  /** archive lines, the first event's first */
  lines: string[];
  leaves: Uint8Array[];
  /** `trees[n]` holds n events */
  trees: Frontier[];
  checkpoint(size?: number): Promise<string>;
  /** what vouches for a block of events, as it lies beside its segment */
  block(first: number, last: number): Promise<string[]>;
  /** the whole log with what vouches for it, in blocks of so many */
  export(blockOf: number): Promise<string[]>;
}

export async function mintLog(count: number, nameOf = (seq: number): string => `Template ${seq} “ü” \u2028 end`): Promise<TestLog> {
  const signer = await mintSigner();
  const lines: string[] = [];
  const leaves: Uint8Array[] = [];
  const trees: Frontier[] = [EMPTY_FRONTIER];
  for (let seq = 1; seq <= count; seq++) {
    const salt = sha256(Buffer.from(`salt ${seq}`)).slice(0, 16);
    const body = JSON.stringify({ id: `evt_${seq}`, seq, action: 'template.create', resource: { name: nameOf(seq) } });
    const leaf = leafHash(sha256, sha256(salt, Buffer.from(body)));
    lines.push(eventLine(Buffer.from(salt).toString('hex'), body));
    leaves.push(leaf);
    trees.push(appendLeaf(sha256, trees[seq - 1] ?? EMPTY_FRONTIER, leaf));
  }
  const treeOf = (size: number) => trees[size] ?? EMPTY_FRONTIER;
  const checkpoint = (size = count) => signCheckpoint({ origin: LOG, size, root: rootOf(sha256, treeOf(size)) }, [signer]);
  const block = async (first: number, last: number) => [
    beforeLine(treeOf(first - 1)),
    leavesLine(first, new Uint8Array(Buffer.concat(leaves.slice(first - 1, last)))),
    checkpointLine(await checkpoint(last)),
  ];
  return {
    signer,
    verifierKey: verifierKey(signer),
    lines,
    leaves,
    trees,
    checkpoint,
    block,
    export: async (blockOf) => {
      const all: string[] = [];
      for (let first = 1; first <= count; first += blockOf) {
        const last = Math.min(first + blockOf - 1, count);
        all.push(...(await block(first, last)), ...lines.slice(first - 1, last));
      }
      return all;
    },
  };
}

/** The lines of a whole log with what vouches for it, made one block after another. */
export async function* streamLog(signer: Signer, count: number, blockOf = 1_000): AsyncGenerator<string> {
  let tree: Frontier = EMPTY_FRONTIER;
  for (let first = 1; first <= count; first += blockOf) {
    const before = tree;
    const seqs = Array.from({ length: Math.min(blockOf, count - first + 1) }, (_, index) => first + index);
    const entries = seqs.map((seq) => ({
      salt: sha256(Buffer.from(`salt ${seq}`)).slice(0, 16),
      body: JSON.stringify({ id: `evt_${seq}`, seq }),
    }));
    const leaves = entries.map(({ salt, body }) => leafHash(sha256, sha256(salt, Buffer.from(body))));
    for (const leaf of leaves) tree = appendLeaf(sha256, tree, leaf);
    const note = await signCheckpoint({ origin: signer.name, size: tree.size, root: rootOf(sha256, tree) }, [signer]);
    yield* [beforeLine(before), leavesLine(first, new Uint8Array(Buffer.concat(leaves))), checkpointLine(note)];
    for (const { salt, body } of entries) yield eventLine(Buffer.from(salt).toString('hex'), body);
  }
}

/** Lines as a reader of files would give them. */
export async function* asLines(lines: readonly (string | Uint8Array)[], file = 'export.ndjson'): AsyncGenerator<ExportLine> {
  for (const [index, line] of lines.entries()) {
    const bytes = typeof line === 'string' ? new Uint8Array(Buffer.from(line)) : line;
    yield { bytes: bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes, file, line: index + 1 };
  }
}
