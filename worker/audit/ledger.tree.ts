import {
  appendLeaf,
  consistencyProof,
  frontierAt,
  inclusionProof,
  nodePosition,
  rangeHashOfNodes,
  rootOf,
  type Frontier,
  type NodeAt,
  type OnNode,
} from '@gatehouse/core/audit/merkle.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { packHashes, sha256, unpackFrontier } from './hash.ts';

/**
 * Roots of the complete subtrees above the leaves, at their `nodePosition`: a proof reads a few rows, however long the
 * log is. A ledger from before this table makes its own in steps: `built` leaves are done, of `until`.
 */
export const TREE_SCHEMA = `
CREATE TABLE IF NOT EXISTS nodes (
  position INTEGER PRIMARY KEY,
  hash BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS nodes_upgrade (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  built INTEGER NOT NULL,
  until INTEGER NOT NULL,
  frontier BLOB NOT NULL
) STRICT;
INSERT OR IGNORE INTO nodes_upgrade (one, built, until, frontier) SELECT 1, 0, coalesce((SELECT size FROM head), 0), x'';
`;

/** Leaves that one step of the upgrade goes over: a fraction of a second. */
export const UPGRADE_LEAVES = 20_000;

/** Keeps each complete subtree. */
export const keepNodes =
  (sql: SqlStorage): OnNode =>
  (level, index, hash) =>
    void sql.exec('INSERT OR REPLACE INTO nodes (position, hash) VALUES (?, ?)', nodePosition(level, index), hash);

/** Keeps the subtrees that a tree grows from, where nothing below them is known. */
export function keepFrontier(sql: SqlStorage, { size, hashes }: Frontier): void {
  const rest = [...hashes];
  frontierAt((level, index) => {
    const hash = rest.shift() ?? new Uint8Array();
    if (level === 0) sql.exec('INSERT INTO leaves (seq, hash) VALUES (?, ?)', index + 1, hash);
    else keepNodes(sql)(level, index, hash);
    return hash;
  }, size);
}

interface Upgrade extends Record<string, SqlStorageValue> {
  built: number;
  until: number;
  frontier: ArrayBuffer;
}
const upgradeOf = (sql: SqlStorage): Upgrade => sql.exec<Upgrade>('SELECT built, until, frontier FROM nodes_upgrade').one();

/** Whether every complete subtree is there. New ones are kept from the first append on; only older ones are made up for. */
export function isTreeComplete(sql: SqlStorage): boolean {
  const { built, until } = upgradeOf(sql);
  return built === until;
}

/** When the next step of the upgrade is due; null when there is none. */
export const upgradeDue = (sql: SqlStorage, now: number): number | null => (isTreeComplete(sql) ? null : now);

/** One step of the upgrade. */
export function upgradeTree(storage: DurableObjectStorage): void {
  const { sql } = storage;
  storage.transactionSync(() => {
    const { built, until, frontier: packed } = upgradeOf(sql);
    const to = Math.min(built + UPGRADE_LEAVES, until);
    if (to === built) return;
    let frontier = unpackFrontier(built, new Uint8Array(packed));
    for (const leaf of leavesOf(sql, built + 1, to)) frontier = appendLeaf(sha256, frontier, leaf, keepNodes(sql));
    if (frontier.size !== to) throw new AppError('internal', `The ledger has lost leaves of ${built + 1} to ${to}`);
    sql.exec('UPDATE nodes_upgrade SET built = ?, frontier = ?', to, packHashes(frontier.hashes));
  });
}

function* leavesOf(sql: SqlStorage, first: number, last: number): Generator<Uint8Array> {
  const rows = sql.exec<{ hash: ArrayBuffer }>('SELECT hash FROM leaves WHERE seq BETWEEN ? AND ? ORDER BY seq', first, last);
  for (const { hash } of rows) yield new Uint8Array(hash);
}

/** Leaf hashes of these events, one after the other. */
export const packedLeaves = (sql: SqlStorage, first: number, last: number): Uint8Array => packHashes([...leavesOf(sql, first, last)]);

/** @throws AppError `internal` for an event that was never recorded */
export const leafOf = (sql: SqlStorage, seq: number): Uint8Array => nodesOf(sql)(0, seq - 1);

const nodesOf =
  (sql: SqlStorage): NodeAt =>
  (level, index) => {
    const [row] =
      level === 0
        ? sql.exec<{ hash: ArrayBuffer }>('SELECT hash FROM leaves WHERE seq = ?', index + 1)
        : sql.exec<{ hash: ArrayBuffer }>('SELECT hash FROM nodes WHERE position = ?', nodePosition(level, index));
    if (!row) throw new AppError('internal', `The ledger has no node ${index} of level ${level}`);
    return new Uint8Array(row.hash);
  };

/** The tree of the first `size` events. Every proof and root below needs a complete tree, see `isTreeComplete`. */
export const treeAt = (sql: SqlStorage, size: number): Frontier => frontierAt(nodesOf(sql), size);

export const rootAt = (sql: SqlStorage, size: number): Uint8Array => rootOf(sha256, treeAt(sql, size));

/** That an event is one of the first `size`. */
export const proveInclusion = (sql: SqlStorage, seq: number, size: number): Uint8Array[] =>
  inclusionProof(rangeHashOfNodes(sha256, nodesOf(sql)), seq - 1, size);

/** That the first `first` events are still the same in the tree of `second`. */
export const proveConsistency = (sql: SqlStorage, first: number, second: number): Uint8Array[] =>
  consistencyProof(rangeHashOfNodes(sha256, nodesOf(sql)), first, second);
