import type { DraftEvent } from '@gatehouse/core/audit/event.ts';

/**
 * What each Durable Object answers by RPC. The classes stand in their capabilities; these interfaces
 * stand here so that lower floors can call them without importing upwards.
 */

/** One outbox row on its way to the ledger. `source` and each event's id deduplicate. */
export interface OutboxBatch {
  outboxId: string;
  events: DraftEvent[];
}

export interface AppendRequest {
  tenantId: string;
  shard: string;
  /** `api`, `runner:<id>`, `workspace:<id>`: an event is known by (source, id). Outbox rows in D1 are `api`'s alone */
  source: string;
  batches: OutboxBatch[];
}

export interface EventPosition {
  seq: number;
  time: string;
}

export interface EventQuery {
  limit: number;
  order: 'asc' | 'desc';
  /** `seq`: as recorded; `time`: as it happened, within since and until */
  by: 'seq' | 'time';
  /** keyset: events beyond this position, exclusive */
  after?: EventPosition;
  since?: string;
  /** exclusive */
  until?: string;
  action?: string;
  resourceType?: string;
  resourceId?: string;
  actorId?: string;
  outcome?: string;
}

/** Events cross as the JSON that was hashed. */
export interface EventPage {
  bodies: string[];
  /** where the next page begins; null at the end, except ascending by `seq`: there is always more to come */
  next: EventPosition | null;
  /** lowest `seq` that is still in the hot index, 0 while there is none */
  oldest: number;
}

export interface LedgerStatus {
  size: number;
  /** base64 of the RFC 6962 root */
  root: string;
  archivedTo: number;
  oldestHot: string | null;
}

/** A checkpoint of a log (C2SP tlog-checkpoint); hashes are base64. */
export interface SignedCheckpoint {
  origin: string;
  size: number;
  root: string;
  note: string;
}

/** `beyond`: the log is not that long; `incomplete`: its tree is still being made, try again. `size`: events it has */
export interface TreeRefusal {
  refused: 'beyond' | 'incomplete';
  size: number;
}

/** A checkpoint, and as NDJSON all that vouches for a block of events that ends with it. */
export interface ProofBlock extends SignedCheckpoint {
  ndjson: string;
}

export interface InclusionAnswer {
  leafHash: string;
  proof: string[];
  checkpoint: SignedCheckpoint;
  /** salt in hex and the event's JSON, to the byte as hashed; null when the contents are no longer kept */
  entry: { salt: string; event: string } | null;
}

export interface ConsistencyAnswer {
  first: { size: number; root: string };
  proof: string[];
  checkpoint: SignedCheckpoint;
}

/** A key that has signed checkpoints. */
export interface CheckpointKey {
  verifierKey: string;
  since: string;
  /** size of the log when it began to sign */
  firstSize: number;
  /** when the next one took over; null: it is the current one */
  until: string | null;
  /** checkpoints bear its signature now */
  signs: boolean;
}

export interface DeliveryStatus {
  destinationId: string;
  deliveredTo: number;
  lastSuccessAt: string | null;
  lastError: { at: string; message: string } | null;
  failingSince: string | null;
}

export interface DeliveryClaim {
  lease: string;
  /** how often delivery has failed since it last worked */
  failures: number;
  /** JSON of each event, in order */
  bodies: string[];
}

export interface LedgerObject extends Rpc.DurableObjectBranded {
  append(request: AppendRequest): Promise<void>;
  query(query: EventQuery): Promise<EventPage>;
  status(): Promise<LedgerStatus>;
  /** the archive's file of a sealed segment; null when it is archived already or was never sealed */
  segment(first: number, last: number): Promise<{ key: string; ndjson: string } | null>;
  archived(first: number, last: number, etag: string): Promise<void>;
  /** of the first `size` events; left out: of all */
  checkpoint(size?: number): Promise<SignedCheckpoint | TreeRefusal>;
  checkpointKeys(): Promise<CheckpointKey[]>;
  /** what vouches for these events: for the archive, and for exports that can be verified */
  proofBlock(first: number, last: number): Promise<ProofBlock | TreeRefusal>;
  /** that an event is one of the first `size`; left out: of all */
  proveInclusion(seq: number, size?: number): Promise<InclusionAnswer | TreeRefusal>;
  /** lines of an export that prove each of these events in the tree of that size */
  inclusionLines(seqs: number[], size: number): Promise<string[] | TreeRefusal>;
  proveConsistency(first: number, second?: number): Promise<ConsistencyAnswer | TreeRefusal>;
  /** forgets the cursor; destinations are added by the event that made them */
  removeDestination(destinationId: string): Promise<void>;
  pauseDestination(destinationId: string, paused: boolean): Promise<void>;
  deliveryStatus(): Promise<DeliveryStatus[]>;
  /** null while somebody else holds the lease, or nothing is due */
  claim(destinationId: string, limit: number): Promise<DeliveryClaim | null>;
  /** compare and set: false when the lease is not this one's any more */
  advance(destinationId: string, lease: string, to: number): Promise<boolean>;
  /** @returns since when it has been failing (ISO), null when the lease is not this one's any more */
  fail(destinationId: string, lease: string, message: string, retryInSeconds: number): Promise<string | null>;
}

export interface RunnerObject extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  order(workspaceId: string): Promise<void>;
  refresh(): Promise<void>;
  remove(): Promise<void>;
  /** build log of the workspace from that byte on */
  logs(workspaceId: string, from: number): Promise<{ generation: number; offset: number; text: string; truncated: boolean }>;
}

export interface WorkspaceObject extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  /** closes that browser connection with 4403, now or when it comes; `cause` goes to the person and into the trail */
  revoke(connectionId: string, cause: string): Promise<void>;
  /** other bounds for that browser connection: its policy changed */
  bound(connectionId: string, bounds: { endsAt: string; idleMinutes: number }): Promise<void>;
  /** access of that connection may lapse at that time (milliseconds since the epoch), sooner than was known */
  expectLapse(connectionId: string, at: number): Promise<void>;
  /** closes every browser's and the runner's socket with 4410 */
  stop(): Promise<void>;
}

export interface ThrottleObject extends Rpc.DurableObjectBranded {
  begin(rule: { limit: number; windowSeconds: number }): Promise<number>;
  forget(): Promise<void>;
}

/** A password and how to hash it: scrypt with N = 2^ln. */
export interface DeriveRequest {
  password: string;
  salt: Uint8Array;
  ln: number;
  r: number;
  p: number;
}

export interface HasherObject extends Rpc.DurableObjectBranded {
  /** null when too many wait already */
  derive(request: DeriveRequest): Promise<Uint8Array | null>;
}
