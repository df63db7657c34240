import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  appendLeaf,
  consistencyProof,
  EMPTY_FRONTIER,
  frontierAt,
  inclusionProof,
  isFrontier,
  leafHash,
  nodeHash,
  nodePosition,
  rangeHash,
  rangeHashOfNodes,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type Sha256,
} from '../../../core/audit/merkle.ts';
import proofs from '../../vectors/rfc6962-proofs.json' with { type: 'json' };
import tree from '../../vectors/rfc6962-tree.json' with { type: 'json' };

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const base64 = (text: string | null) => new Uint8Array(Buffer.from(text ?? '', 'base64'));
const leaves = tree.leaves.map((leaf) => leafHash(sha256, new Uint8Array(Buffer.from(leaf, 'hex'))));
const range = rangeHash(sha256, (index) => leaves[index] ?? expect.fail(`no leaf ${index}`));
const frontierOf = (size: number) => leaves.slice(0, size).reduce((frontier, leaf) => appendLeaf(sha256, frontier, leaf), EMPTY_FRONTIER);

describe('the published trees of RFC 6962', () => {
  test.each(tree.roots.map((root, size) => [size, root] as const))('root of the first %i leaves', (size, root) => {
    expect(hex(rootOf(sha256, frontierOf(size)))).toBe(root);
  });

  test('leaves and inner nodes', () => {
    expect(leaves.map(hex)).toEqual(tree.nodes[0]);
    for (const [level, nodes] of tree.nodes.slice(1).entries()) {
      nodes.forEach((node, index) => {
        const [left, right] = [0, 1].map((side) => new Uint8Array(Buffer.from(tree.nodes[level]?.[index * 2 + side] ?? '', 'hex')));
        expect(hex(nodeHash(sha256, left ?? expect.fail(), right ?? expect.fail()))).toBe(node);
      });
    }
  });

  test('a frontier holds one hash for each one bit of its size', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((size) => frontierOf(size).hashes.length)).toEqual([0, 1, 1, 2, 1, 2, 2, 3, 1]);
  });
});

describe('the published probes of verifiers', () => {
  test.each(proofs.inclusion.map((probe) => [probe.case, probe.desc, probe] as const))('inclusion %s: %s', (_case, _desc, probe) => {
    const claim = { index: probe.leafIdx, size: probe.treeSize, leaf: base64(probe.leafHash), root: base64(probe.root) };
    expect(verifyInclusion(sha256, { ...claim, proof: (probe.proof ?? []).map(base64) })).toBe(!probe.wantErr);
  });

  test.each(proofs.consistency.map((probe) => [probe.case, probe.desc, probe] as const))('consistency %s: %s', (_case, _desc, probe) => {
    const claim = { first: probe.size1, second: probe.size2, firstRoot: base64(probe.root1), secondRoot: base64(probe.root2) };
    expect(verifyConsistency(sha256, { ...claim, proof: (probe.proof ?? []).map(base64) })).toBe(!probe.wantErr);
  });
});

describe('proofs we make are proofs the verifiers accept', () => {
  const sizes = [1, 2, 3, 4, 5, 6, 7, 8];

  test('every leaf of every tree, and no other leaf', () => {
    for (const size of sizes) {
      const root = rootOf(sha256, frontierOf(size));
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(range, index, size);
        const accepted = leaves.slice(0, size).map((leaf) => verifyInclusion(sha256, { index, size, leaf, root, proof }));
        expect(accepted).toEqual(leaves.slice(0, size).map((_, other) => other === index));
      }
    }
  });

  test('every prefix of every tree', () => {
    for (const second of sizes) {
      for (let first = 1; first <= second; first++) {
        const [firstRoot, secondRoot] = [first, second].map((size) => rootOf(sha256, frontierOf(size)));
        if (!firstRoot || !secondRoot) expect.fail();
        const claim = { first, second, firstRoot, secondRoot, proof: consistencyProof(range, first, second) };
        expect(verifyConsistency(sha256, claim)).toBe(true);
        expect(verifyConsistency(sha256, { ...claim, firstRoot: sha256(firstRoot) })).toBe(false);
      }
    }
  });

  test('what lies outside the tree has no proof', () => {
    expect(() => inclusionProof(range, 8, 8)).toThrow(RangeError);
    expect(() => consistencyProof(range, 0, 8)).toThrow(RangeError);
    expect(() => consistencyProof(range, 8, 7)).toThrow(RangeError);
  });
});

describe('kept subtrees', () => {
  const COUNT = 300;
  const hashes = Array.from({ length: COUNT }, (_, index) => sha256(new Uint8Array([index % 256, Math.floor(index / 256)])));
  const kept = new Map<string, Uint8Array>();
  const order: number[] = [];
  const keep = (level: number, index: number, hash: Uint8Array) => {
    kept.set(`${level}/${index}`, hash);
    order.push(nodePosition(level, index));
  };
  hashes.reduce((frontier, leaf, index) => {
    keep(0, index, leaf);
    return appendLeaf(sha256, frontier, leaf, keep);
  }, EMPTY_FRONTIER);
  let reads = 0;
  const nodeAt = (level: number, index: number) => {
    reads++;
    return kept.get(`${level}/${index}`) ?? expect.fail(`no node ${level}/${index}`);
  };
  const byLeaves = rangeHash(sha256, (index) => hashes[index] ?? expect.fail());
  const byNodes = rangeHashOfNodes(sha256, nodeAt);

  test('each is made once, the latest always stands last, and none leaves a hole', () => {
    expect(order).toEqual(order.map((_, position) => position));
  });

  test('give the same proofs as the leaves, from few reads', () => {
    for (const size of [1, 2, 3, 7, 8, 9, 127, 128, 129, 255, 299, 300]) {
      for (let index = 0; index < size; index += 5) {
        reads = 0;
        expect(inclusionProof(byNodes, index, size)).toEqual(inclusionProof(byLeaves, index, size));
        expect(reads).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size + 1)));
      }
      for (let first = 1; first <= size; first += 7) {
        reads = 0;
        expect(consistencyProof(byNodes, first, size)).toEqual(consistencyProof(byLeaves, first, size));
        expect(reads).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size + 1)));
      }
    }
  });

  test('give the frontier of any size', () => {
    for (let size = 0; size <= COUNT; size++) {
      const frontier = frontierAt(nodeAt, size);
      expect(isFrontier(frontier)).toBe(true);
      expect(isFrontier({ size, hashes: [...frontier.hashes, sha256()] })).toBe(false);
      expect(rootOf(sha256, frontier)).toEqual(byLeaves(0, size));
    }
  });
});
