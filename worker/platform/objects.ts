import type { AuditEvent, DraftEvent } from '@gatehouse/core/audit/event.ts';

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
  /** `api`, `runner:<id>`, `workspace:<id>`: an event is known by (source, id) */
  source: string;
  batches: OutboxBatch[];
}

export interface EventQuery {
  limit: number;
  order: 'asc' | 'desc';
  /** keyset: rows beyond this position, exclusive; `time` only where the order is by time */
  after?: { seq: number; time?: string };
  since?: string;
  until?: string;
  action?: string;
  resourceType?: string;
  resourceId?: string;
  actorId?: string;
  outcome?: string;
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

export interface LedgerObject extends Rpc.DurableObjectBranded {
  append(request: AppendRequest): Promise<void>;
  query(query: EventQuery): Promise<AuditEvent[]>;
  status(): Promise<LedgerStatus>;
  /** the archive's line for each event of first..last, as NDJSON */
  segment(first: number, last: number): Promise<string>;
  archived(first: number, last: number, etag: string): Promise<void>;
  /** what is delivered to a destination starts after `from`; repeated calls change nothing */
  addDestination(destinationId: string, from: number): Promise<void>;
  removeDestination(destinationId: string): Promise<void>;
  pauseDestination(destinationId: string, paused: boolean): Promise<void>;
  deliveryStatus(): Promise<DeliveryStatus[]>;
  /** null while somebody else holds the lease, or nothing is due */
  claim(destinationId: string, limit: number): Promise<{ lease: string; events: AuditEvent[] } | null>;
  /** compare and set: false when the lease is not this one's any more */
  advance(destinationId: string, lease: string, to: number): Promise<boolean>;
  fail(destinationId: string, lease: string, message: string, retryInSeconds: number): Promise<void>;
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
  /** closes that browser connection with 4403 */
  revoke(connectionId: string): Promise<void>;
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
