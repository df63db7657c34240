import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { FindingRuleId, FindingState } from '@gatehouse/core/audit/findings.ts';

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

export interface FindingRow {
  id: string;
  rule: FindingRuleId;
  /** whom or what it is about, for people */
  subject: string;
  state: FindingState;
  /** times are ISO */
  openedAt: string;
  lastAt: string;
  /** how many events it rests on */
  events: number;
  note: string;
  moved: { by: string; at: string } | null;
}

export interface FindingQuery {
  state?: FindingState | undefined;
  rule?: FindingRuleId | undefined;
  /** keyset: ids below this one, exclusive */
  before?: string | undefined;
  limit: number;
}

export type FindingCounts = Record<FindingState, number>;

export interface FindingMove {
  id: string;
  from: FindingState;
  to: FindingState;
  note: string;
  by: string;
  at: string;
}

export interface LedgerObject extends Rpc.DurableObjectBranded {
  append(request: AppendRequest): Promise<void>;
  query(query: EventQuery): Promise<EventPage>;
  status(): Promise<LedgerStatus>;
  /** the archive's file of a sealed segment; null when it is archived already or was never sealed */
  segment(first: number, last: number): Promise<{ key: string; ndjson: string } | null>;
  archived(first: number, last: number, etag: string): Promise<void>;
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
  /** newest first; one more than asked for where there are more */
  findings(query: FindingQuery): Promise<FindingRow[]>;
  findingCounts(): Promise<FindingCounts>;
  /** with its evidence: the JSON of each event that is still in the hot index, and the number of every one */
  finding(id: string): Promise<{ finding: FindingRow; evidence: number[]; bodies: string[] } | null>;
  /** moves it and records the event, both or none; false when it is not where the caller saw it */
  moveFinding(move: FindingMove, request: AppendRequest): Promise<boolean>;
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
  bound(connectionId: string, bounds: { endsAt: string; idleMinutes: number; presenceUntil: string | null }): Promise<void>;
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
