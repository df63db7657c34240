import type { Erasure } from '@gatehouse/core/api/erasure.ts';
import type { Histogram } from '@gatehouse/core/api/audit.ts';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { FindingRuleId, FindingState } from '@gatehouse/core/audit/findings.ts';
import type { Filter } from '@gatehouse/core/audit/filter.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import type { AppFacts } from './socket-facts.ts';

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
  /** `seq`: as recorded; `time`: as it happened. With `until`, both mean events that happened within since and until */
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
  filter?: Filter;
  /** `line`: with the salt, as the archive keeps it */
  form?: 'event' | 'line';
}

/** Events cross as the JSON that was hashed. */
export interface EventPage {
  bodies: string[];
  /** where the next page begins; null at the end, except ascending by `seq`: there is always more to come */
  next: EventPosition | null;
  hot: HotBounds;
}

/** Where the hot index begins. */
export interface HotBounds {
  /** lowest `seq` in it, one beyond the last event while it is empty */
  first: number;
  /** when that was recorded, null while it is empty */
  firstAt: string | null;
}

/** Where the archive keeps a run of events: a file, or a part of one that is compressed by itself. */
export interface ArchivePlace {
  first: number;
  last: number;
  sealedAt: string;
  key: string;
  /** null: the whole file */
  bytes: { offset: number; length: number } | null;
}

export interface PlaceQuery {
  /** numbers, both included */
  low: number;
  high: number;
  order: 'asc' | 'desc';
  since?: string;
  /** exclusive */
  until?: string;
  /** nothing that was sealed before: all of it was recorded before */
  sealedSince?: string;
  limit: number;
}

/** What the archive may hold for a query. */
export interface ArchivePlan {
  places: ArchivePlace[];
  /** a match has one of each of these terms */
  terms: number[][];
  /** events whose line there may still say what is erased, and when it was */
  erased: Array<{ seq: number; at: string }>;
  /** the first event that the archive still has, 0 when it has none */
  oldest: number;
  hot: HotBounds;
}

/** Segments of one day that are to become one file. */
export interface SegmentRun {
  tenantId: string;
  segments: ArchivePlace[];
  /** events whose line there may still say what is erased, and when it was */
  erased: Array<{ seq: number; at: string }>;
}

/** A part of a file: compressed by itself, so that it can be read by itself. */
export interface ArchiveBlock {
  first: number;
  last: number;
  minTime: string;
  maxTime: string;
  offset: number;
  length: number;
}

export interface Compacted {
  file: string;
  etag: string;
  blocks: ArchiveBlock[];
}

export interface HistogramQuery {
  since: string;
  until: string;
  buckets: number;
  filter?: Filter;
}

/** A ledger that is being made anew from the archive. */
export interface Rebuilding {
  /** events so far */
  recorded: number;
  /** why it does not go on: the archive is not what it should be */
  fault: string | null;
}

export interface LedgerStatus {
  size: number;
  /** base64 of the RFC 6962 root */
  root: string;
  archivedTo: number;
  /** when the archive took the last segment, with a checkpoint; and since when one waits for it */
  archivedAt: string | null;
  archiveWaitsSince: string | null;
  /** when a checkpoint was last told to the SIEMs */
  checkpointAt: string | null;
  oldestHot: string | null;
  /** events whose contents are erased */
  erased: number;
  /** the first event that can still be read; null before the first */
  oldest: { seq: number; time: string | null } | null;
  retention: Retention;
  /** since when the archive won't delete small files whose events lie in larger ones; null when it does */
  undeletedSince: string | null;
  /** what is said here of the log is not the whole of it; null when it is */
  rebuilding: Rebuilding | null;
}

export interface Retention {
  days: number;
  /** destinations that hold the purge */
  heldBy: string[];
}

/** A checkpoint of a log (C2SP tlog-checkpoint); hashes are base64. */
export interface SignedCheckpoint {
  origin: string;
  size: number;
  root: string;
  note: string;
}

/**
 * `beyond`: the log is not that long; `incomplete`: its tree is still being made, try again; `forgotten`: it was rebuilt after
 * a purge, and the leaves before are not known any more. `size`: events it has
 */
export interface TreeRefusal {
  refused: 'beyond' | 'incomplete' | 'forgotten';
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
  /** when its contents were erased */
  erased: string | null;
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

interface SaidAt {
  at: string;
  message: string;
}

export interface DeliveryStatus {
  destinationId: string;
  deliveredTo: number;
  /** when the first event that waits was recorded */
  waitingSince: string | null;
  lastSuccessAt: string | null;
  lastError: SaidAt | null;
  lastNote: SaidAt | null;
  failingSince: string | null;
  /** events that the destination refused for good */
  setAside: number;
  /** the last one */
  replay: ReplayStatus | null;
}

export interface ReplayStatus {
  first: number;
  last: number;
  deliveredTo: number;
  state: 'running' | 'finished' | 'cancelled';
  startedAt: string;
  endedAt: string | null;
  lastError: SaidAt | null;
}

/** `live`, or that of the replay. */
export interface Lane {
  destinationId: string;
  replay: boolean;
}

export interface DeliveryClaim {
  lease: string;
  /** how often delivery has failed since it last worked */
  failures: number;
  /** events that were set aside since one was taken */
  refusedInARow: number;
  /** JSON of each event, in order; without what is erased */
  bodies: string[];
  /** numbers of what was handed out, erased events included */
  first: number;
  last: number;
}

export interface DeliveryReport {
  status: number | null;
  /** events */
  delivered: number;
  note?: string;
}

export interface DeliveryFailure {
  message: string;
  status: number | null;
  retryInSeconds: number;
  /** it goes on only once somebody has changed something */
  held: boolean;
}

export interface RefusedEvent {
  seq: number;
  eventId: string;
  action: string;
  time: string;
  reason: string;
  status: number | null;
  /** events of the batch that were taken before it */
  before: number;
}

export interface SetAsideRow extends Omit<RefusedEvent, 'before'> {
  at: string;
  attempts: number;
}

export interface DeliveryHealth {
  since: string;
  items: Array<{ at: string; events: number; requests: Record<'2xx' | '3xx' | '4xx' | '5xx' | 'none', number> }>;
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
  /** of one of these */
  rules?: readonly FindingRuleId[] | undefined;
  /** what the name of whom or what it is about has in it */
  subject?: string | undefined;
  /** number of an event that they rest on */
  event?: number | undefined;
  /** keyset: ids below this one, exclusive */
  before?: string | undefined;
  limit: number;
}

/** The findings of one rule in one state. */
export interface FindingCount {
  rule: FindingRuleId;
  state: FindingState;
  found: number;
  /** of them, those opened since a time, and since an earlier one */
  week: number;
  month: number;
  /** of the latter, those that somebody looked at, and milliseconds until then, all together */
  looked: number;
  waited: number;
}

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
  /** how the erasure of that person stands; null when nobody ordered it */
  erasure(person: string): Promise<Erasure | null>;
  histogram(query: HistogramQuery): Promise<Histogram>;
  /** waits for an event behind that one: `full` when too many wait already */
  waitBeyond(seq: number, milliseconds: number): Promise<'new' | 'quiet' | 'full'>;
  /** the archive's file of a sealed segment; null when it is archived already or was never sealed */
  segment(first: number, last: number): Promise<{ key: string; ndjson: string } | null>;
  archived(first: number, last: number, etag: string): Promise<void>;
  /** where the archive keeps what the query asks for, below the hot index */
  archivePlan(query: EventQuery, range: PlaceQuery): Promise<ArchivePlan>;
  /** the segments from that event on that are to become one file; null when they have */
  segmentRun(first: number): Promise<SegmentRun | null>;
  compacted(file: Compacted): Promise<void>;
  /** makes the ledger anew from the archive, by its alarm */
  rebuild(tenantId: string, shard: string): Promise<Rebuilding | { notArchived: number }>;
  /** null when it is not being made anew */
  rebuilding(): Promise<Rebuilding | null>;
  /** files that nothing points to any more */
  leftovers(): Promise<string[]>;
  discarded(keys: string[]): Promise<void>;
  /** the archive would not delete them: they are left alone for ever longer. @returns whether none was refused until now */
  notDiscarded(keys: string[]): Promise<boolean>;
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
  /** null while somebody else holds the lease, or nothing is due; `done` when a replay has come to its end */
  claim(lane: Lane, limit: number): Promise<DeliveryClaim | 'done' | null>;
  /**
   * Compare and set: false when the lease is not this one's any more.
   * @param report what was delivered; null when nothing was sent, or it only gives the lease back
   */
  advance(lane: Lane, lease: string, to: number, report: DeliveryReport | null): Promise<boolean>;
  /** @returns false when the lease is not this one's any more */
  fail(lane: Lane, lease: string, failure: DeliveryFailure): Promise<boolean>;
  /** Keeps an event that is refused for good on a list, and goes on behind it. @returns false when the lease is lost */
  setAside(lane: Lane, lease: string, refused: RefusedEvent): Promise<boolean>;
  setAsideAfter(destinationId: string, seq: number, limit: number): Promise<SetAsideRow[]>;
  /** @returns how many of them were on the list */
  forgetSetAside(destinationId: string, seqs: number[]): Promise<number>;
  refusedAgain(destinationId: string, seq: number, reason: string, status: number | null): Promise<void>;
  /** JSON of one event, from the hot index or the archive; null when there is none, or it is erased */
  eventAt(seq: number): Promise<string | null>;
  /** `seq` of the first event recorded at that time (ISO) or later, one past the last when there is none */
  firstRecordedFrom(time: string): Promise<number>;
  health(destinationId: string, by: 'hour' | 'day'): Promise<DeliveryHealth>;
  /** for a replay that nobody ended by its event */
  endReplay(destinationId: string, ended: 'finished' | 'cancelled'): Promise<void>;
  /** the sealed access token, while it is good */
  accessToken(destinationId: string): Promise<string | null>;
  keepAccessToken(destinationId: string, sealed: string | null, until: number): Promise<void>;
  /** newest first; one more than asked for where there are more */
  findings(query: FindingQuery): Promise<FindingRow[]>;
  /** @param since in milliseconds */
  findingCounts(since: { week: number; month: number }): Promise<FindingCount[]>;
  /** with its evidence: the JSON of each event that is still in the hot index, and the number of every one */
  finding(id: string): Promise<{ finding: FindingRow; evidence: number[]; bodies: string[] } | null>;
  /** without it */
  findingAlone(id: string): Promise<FindingRow | null>;
  /** moves it and records the event, both or none; false when it is not where the caller saw it */
  moveFinding(move: FindingMove, request: AppendRequest): Promise<boolean>;
}

export interface RunnerObject extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  order(workspaceId: string): Promise<void>;
  /** gives free places to who waits for them, and sends every order of a workspace that has a place and was not begun */
  dispatch(): Promise<void>;
  refresh(): Promise<void>;
  remove(): Promise<void>;
  /** build log of the workspace from that byte on */
  logs(workspaceId: string, from: number): Promise<{ generation: number; offset: number; text: string; truncated: boolean }>;
  /** what these workspaces use; asking has the runner tell it more often for a while */
  usage(workspaceIds: readonly string[]): Promise<Record<string, WorkspaceUsage>>;
  notice(workspaceId: string, text: string): Promise<void>;
}

export interface WorkspaceObject extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  /** closes that browser connection with 4403, now or when it comes; `cause` goes to the person and into the trail */
  revoke(connectionId: string, cause: string): Promise<void>;
  /** other bounds for that browser connection: its policy changed */
  bound(connectionId: string, bounds: { endsAt: string; idleMinutes: number; presenceUntil: string | null }): Promise<void>;
  /** access of that connection may lapse at that time (milliseconds since the epoch), sooner than was known */
  expectLapse(connectionId: string, at: number): Promise<void>;
  /** begins a session of a web app, known by the hash of its cookie. @returns why not: it was taken away meanwhile; null when it has begun */
  enterApp(hash: string, facts: AppFacts): Promise<string | null>;
  /** closes every browser's and the runner's socket with 4410, and ends every session of its web apps */
  stop(): Promise<void>;
}

export interface ThrottleObject extends Rpc.DurableObjectBranded {
  begin(rule: { limit: number; windowSeconds: number }): Promise<number>;
  spend(rule: { limit: number; windowSeconds: number }): Promise<{ remaining: number; resetsAt: number; waitSeconds: number }>;
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

export interface ScreenTextLine {
  /** milliseconds since the epoch */
  time: number;
  text: string;
}
export interface ScreenTextMatch extends ScreenTextLine {
  recordingId: string;
}

/** The text of one tenant's managed recordings. */
export interface RecordingIndexObject extends Rpc.DurableObjectBranded {
  /** Idempotent by recording and slice. */
  add(recordingId: string, slice: number, lines: ScreenTextLine[]): Promise<void>;
  /** Lines that hold the text, whatever its case; the newest recordings first. */
  search(text: string, limit: number): Promise<ScreenTextMatch[]>;
  remove(recordingId: string): Promise<void>;
}

export interface HasherObject extends Rpc.DurableObjectBranded {
  /** null when too many wait already */
  derive(request: DeriveRequest): Promise<Uint8Array | null>;
}
