/** SHA-256 over the parts, one after the other. Injected: each platform brings its own, and it must not wait. */
export type Sha256 = (...parts: Uint8Array[]) => Uint8Array;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** RFC 6962 §2.1: the prefixes keep a leaf from passing as an inner node. */
export const leafHash = (sha256: Sha256, entry: Uint8Array): Uint8Array => sha256(LEAF, entry);
export const nodeHash = (sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

/** What it takes to let a tree grow: its size and the roots of its complete subtrees, the largest first. */
export interface Frontier {
  size: number;
  hashes: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

/** Whether it has as many hashes as its size needs: one for each one bit. */
export function isFrontier({ size, hashes }: Frontier): boolean {
  let bits = 0;
  for (let rest = size; rest > 0; rest = half(rest)) bits += rest % 2;
  return isSize(size) && hashes.length === bits && hashes.every(isHash);
}

export const sameHash = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Told of each complete subtree: it is the `index`th (from 0) of those with 2^level leaves. */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

/** The frontier with one more leaf (its hash, not its entry). @param onNode told of the subtrees that this leaf completes */
export function appendLeaf(sha256: Sha256, frontier: Frontier, leaf: Uint8Array, onNode?: OnNode): Frontier {
  const hashes = [...frontier.hashes];
  let node = leaf;
  let level = 0;
  // Each trailing one bit of the size is a subtree that this leaf completes into a larger one.
  for (let rest = frontier.size; rest % 2 === 1; rest = half(rest)) {
    const left = hashes.pop();
    if (left === undefined) throw new RangeError('The frontier has fewer hashes than its size needs');
    node = nodeHash(sha256, left, node);
    onNode?.(++level, half(rest), node);
  }
  return { size: frontier.size + 1, hashes: [...hashes, node] };
}

/** The Merkle tree hash of all leaves so far. */
export function rootOf(sha256: Sha256, frontier: Frontier): Uint8Array {
  const [last, ...others] = [...frontier.hashes].reverse();
  if (last === undefined) return sha256();
  return others.reduce((right, left) => nodeHash(sha256, left, right), last);
}

/** Tree hash of the leaves from `start` up to, not including, `end`. */
export type RangeHash = (start: number, end: number) => Uint8Array;

/** Computes tree hashes from the leaves' hashes. @param leafAt counts from 0 */
export function rangeHash(sha256: Sha256, leafAt: (index: number) => Uint8Array): RangeHash {
  return (start, end) => {
    let frontier = EMPTY_FRONTIER;
    for (let index = start; index < end; index++) frontier = appendLeaf(sha256, frontier, leafAt(index));
    return rootOf(sha256, frontier);
  };
}

/** Hash of the `index`th (from 0) complete subtree of 2^level leaves; level 0: the leaves themselves. */
export type NodeAt = (level: number, index: number) => Uint8Array;

/** What lets a tree grow from that size on. */
export function frontierAt(nodeAt: NodeAt, size: number): Frontier {
  return { size, hashes: completeSubtrees(0, size).map(({ level, index }) => nodeAt(level, index)) };
}

/** Computes tree hashes from kept subtrees: as many as a proof has, and once more for the ragged end. */
export function rangeHashOfNodes(sha256: Sha256, nodeAt: NodeAt): RangeHash {
  return (start, end) => {
    const hashes = completeSubtrees(start, end).map(({ level, index }) => nodeAt(level, index));
    return rootOf(sha256, { size: end - start, hashes });
  };
}

/** The largest complete subtrees that cover a range, in order. Ranges of proofs begin where a subtree of their size does. */
function completeSubtrees(start: number, end: number): Array<{ level: number; index: number }> {
  const found: Array<{ level: number; index: number }> = [];
  for (let at = start; at < end;) {
    let level = 0;
    for (let width = 2; at % width === 0 && at + width <= end; width *= 2) level++;
    found.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return found;
}

/**
 * Where a subtree stands if all are kept in one row, in the order in which they become complete: it never changes, and
 * what is new is always last.
 */
export function nodePosition(level: number, index: number): number {
  let position = 0;
  // As a leaf's, of the last leaf below it: that many leaves, and all that they completed.
  for (let rest = (index + 1) * 2 ** level - 1; rest > 0; rest = half(rest)) position += rest;
  return position + level;
}

/**
 * The audit path of a leaf (RFC 6962 §2.1.1), from the leaf's sibling up.
 * @throws RangeError unless 0 <= index < size
 */
export function inclusionProof(hash: RangeHash, index: number, size: number): Uint8Array[] {
  if (!isSize(index) || !isSize(size) || index >= size) throw new RangeError('The leaf lies outside the tree');
  const path = (start: number, end: number): Uint8Array[] => {
    if (end - start === 1) return [];
    const middle = start + splitOf(end - start);
    return index < middle ? [...path(start, middle), hash(middle, end)] : [...path(middle, end), hash(start, middle)];
  };
  return path(0, size);
}

/**
 * Proves that the tree of `first` leaves is a prefix of the tree of `second` leaves (RFC 6962 §2.1.2).
 * @throws RangeError unless 0 < first <= second
 */
export function consistencyProof(hash: RangeHash, first: number, second: number): Uint8Array[] {
  if (!isSize(first) || !isSize(second) || first === 0 || first > second) throw new RangeError('The sizes are not those of a prefix');
  const path = (start: number, end: number, whole: boolean): Uint8Array[] => {
    if (first === end) return whole ? [] : [hash(start, end)];
    const middle = start + splitOf(end - start);
    return first <= middle ? [...path(start, middle, whole), hash(middle, end)] : [...path(middle, end, false), hash(start, middle)];
  };
  return path(0, second, true);
}

export interface InclusionClaim {
  index: number;
  size: number;
  leaf: Uint8Array;
  root: Uint8Array;
  proof: readonly Uint8Array[];
}

/** Whether the proof shows that the leaf stands at that index of the tree with that root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(sha256: Sha256, { index, size, leaf, root, proof }: InclusionClaim): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || ![leaf, ...proof].every(isHash)) return false;
  const walk = walkUp(index, size - 1);
  let hash = leaf;
  for (const sibling of proof) {
    if (walk.atTop()) return false;
    hash = walk.climb() === 'left' ? nodeHash(sha256, sibling, hash) : nodeHash(sha256, hash, sibling);
  }
  return walk.atTop() && sameHash(hash, root);
}

export interface ConsistencyClaim {
  first: number;
  second: number;
  firstRoot: Uint8Array;
  secondRoot: Uint8Array;
  proof: readonly Uint8Array[];
}

/** Whether the proof shows that nothing of the first tree changed in the second (RFC 9162 §2.1.4.2). Size 0 proves nothing and is refused. */
export function verifyConsistency(sha256: Sha256, { first, second, firstRoot, secondRoot, proof }: ConsistencyClaim): boolean {
  if (!isSize(first) || !isSize(second) || first === 0 || first > second) return false;
  if (first === second) return proof.length === 0 && sameHash(firstRoot, secondRoot);
  const [start, ...rest] = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  if (start === undefined || proof.length === 0) return false;
  const walk = walkUp(first - 1, second - 1);
  walk.skipComplete();
  let before = start;
  let after = start;
  for (const sibling of rest) {
    if (walk.atTop()) return false;
    if (walk.climb() === 'left') {
      before = nodeHash(sha256, sibling, before);
      after = nodeHash(sha256, sibling, after);
    } else after = nodeHash(sha256, after, sibling);
  }
  return walk.atTop() && sameHash(before, firstRoot) && sameHash(after, secondRoot);
}

/** The walk of both verifiers from a node to the root; the RFC calls the two numbers fn and sn. */
function walkUp(node: number, last: number) {
  const up = () => {
    node = half(node);
    last = half(last);
  };
  return {
    atTop: () => last === 0,
    skipComplete() {
      while (node % 2 === 1) up();
    },
    /** goes one level up and says on which side the sibling stood */
    climb(): 'left' | 'right' {
      const left = node % 2 === 1 || node === last;
      if (left) while (node % 2 === 0 && node !== 0) up();
      up();
      return left ? 'left' : 'right';
    },
  };
}

/** Largest power of two smaller than n (n > 1): where RFC 6962 splits a tree. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

// Bit operators end at 32 bits; a log does not.
const half = (n: number) => Math.floor(n / 2);
const isSize = (n: number) => Number.isSafeInteger(n) && n >= 0;
const isHash = (bytes: Uint8Array) => bytes.length === 32;
const isPowerOfTwo = (n: number) => n === 1 || splitOf(n) * 2 === n;
