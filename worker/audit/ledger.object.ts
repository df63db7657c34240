import type { Erasure } from '@gatehouse/core/api/erasure.ts';
import type { Histogram } from '@gatehouse/core/api/audit.ts';
import { rootOf } from '@gatehouse/core/audit/merkle.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Services } from '../platform/context.ts';
import { ComposedObject } from '../platform/durable.ts';
import type {
  AppendRequest,
  ArchivePlan,
  CheckpointKey,
  Compacted,
  ConsistencyAnswer,
  DeliveryClaim,
  DeliveryFailure,
  DeliveryHealth,
  DeliveryReport,
  DeliveryStatus,
  EventPage,
  EventQuery,
  HistogramQuery,
  InclusionAnswer,
  Lane,
  FindingCount,
  FindingMove,
  FindingQuery,
  FindingRow,
  LedgerObject,
  LedgerStatus,
  PlaceQuery,
  ProofBlock,
  Rebuilding,
  RefusedEvent,
  SegmentRun,
  SetAsideRow,
  SignedCheckpoint,
  TreeRefusal,
} from '../platform/objects.ts';
import { readArchived } from './archive.ts';
import { hex, sha256, unpackFrontier } from './hash.ts';
import { append } from './ledger.append.ts';
import { tell } from './delivery-alarm.ts';
import * as archive from './ledger.archive.ts';
import * as delivery from './ledger.delivery.ts';
import { laneOf } from './ledger.delivery.schema.ts';
import * as health from './ledger.health.ts';
import * as replays from './ledger.replay.ts';
import * as telling from './ledger.telling.ts';
import * as findings from './ledger.findings.read.ts';
import { histogram } from './ledger.histogram.ts';
import { Listeners, type Heard } from './ledger.listeners.ts';
import { clearOutbox } from './ledger.outbox.ts';
import { hotEvents, readPage } from './ledger.query.ts';
import { createTables, oldestHot, readHead } from './ledger.schema.ts';
import { keysOf, tellingDue } from './ledger.checkpoint.ts';
import { countErased, erasedAmong } from './ledger.erased.ts';
import { eraseSome } from './ledger.erase.ts';
import { erasureDue, erasureStatus } from './ledger.erasure.ts';
import { inclusionLines, proveConsistency, proveInclusion } from './ledger.proof.ts';
import { expiryDue, purgeArchive, retentionStatus } from './ledger.purge.ts';
import * as rebuild from './ledger.rebuild.ts';
import { readRetention } from './ledger.retention.ts';
import * as segments from './ledger.segments.ts';
import { indexingDue, indexSome } from './ledger.upgrade.ts';
import * as sign from './ledger.sign.ts';
import { upgradeDue, upgradeTree } from './ledger.tree.ts';

/** The alarm of last resort, set before an alarm begins its work: the platform repeats a failed one six times only. */
const SAFETY_MS = 30_000;

/**
 * One tenant's audit log, and its only sequencer: gives each event its number and leaf, keeps the recent
 * ones for queries, and sees to it that the archive and the destinations get every one.
 */
export abstract class LedgerShell extends ComposedObject implements LedgerObject {
  readonly #sql = this.ctx.storage.sql;
  readonly #listeners = new Listeners();

  constructor(...args: ConstructorParameters<typeof ComposedObject>) {
    super(...args);
    createTables(this.#sql);
    if (indexingDue(this.#sql, 0) !== null) this.#arm(Date.now());
  }

  async append(request: AppendRequest): Promise<void> {
    const { now, random } = this.compose();
    this.#mustBeWhole();
    append(this.ctx.storage, request, { now: now(), random });
    this.#listeners.wake();
    this.#arm(now().getTime());
  }

  /** While it is made anew nothing may come between: its numbers are those that the archive has. */
  #mustBeWhole(): void {
    if (rebuild.rebuilding(this.#sql)) throw new AppError('unavailable', 'The ledger is being rebuilt');
  }

  async query(query: EventQuery): Promise<EventPage> {
    return readPage(this.#sql, query, readHead(this.#sql)?.size ?? 0);
  }

  async histogram(query: HistogramQuery): Promise<Histogram> {
    return histogram(this.#sql, query);
  }

  async waitBeyond(seq: number, milliseconds: number): Promise<Heard> {
    return (readHead(this.#sql)?.size ?? 0) > seq ? 'new' : this.#listeners.wait(milliseconds);
  }

  async status(): Promise<LedgerStatus> {
    const head = readHead(this.#sql);
    const oldest = oldestHot(this.#sql);
    const row =
      oldest === null ? null : this.#sql.exec<{ recorded_at: string }>('SELECT recorded_at FROM events WHERE seq = ?', oldest).one();
    const root = rootOf(sha256, unpackFrontier(head?.size ?? 0, head?.frontier ?? new Uint8Array()));
    return {
      size: head?.size ?? 0,
      root: btoa(String.fromCharCode(...root)),
      archivedTo: segments.archivedTo(this.#sql),
      ...segments.archiveTimes(this.#sql),
      checkpointAt: sign.lastTold(this.#sql),
      oldestHot: row?.recorded_at ?? null,
      erased: countErased(this.#sql),
      ...retentionStatus(this.#sql, this.compose().now().getTime()),
      undeletedSince: archive.undeletedSince(this.#sql),
      rebuilding: rebuild.rebuilding(this.#sql),
    };
  }

  async erasure(person: string): Promise<Erasure | null> {
    return erasureStatus(this.#sql, person);
  }

  async archivePlan(query: EventQuery, range: PlaceQuery): Promise<ArchivePlan> {
    return archive.archivePlan(this.#sql, query, range);
  }

  async segmentRun(first: number): Promise<SegmentRun | null> {
    return archive.segmentRun(this.#sql, first);
  }

  async compacted(file: Compacted): Promise<void> {
    const now = this.compose().now();
    archive.noteCompacted(this.ctx.storage, now, file);
    this.#arm(now.getTime());
  }

  async rebuild(tenantId: string, shard: string): Promise<Rebuilding | { notArchived: number }> {
    const begun = rebuild.beginRebuild(this.ctx.storage, tenantId, shard);
    this.#arm(this.compose().now().getTime());
    return begun;
  }

  async rebuilding(): Promise<Rebuilding | null> {
    return rebuild.rebuilding(this.#sql);
  }

  async leftovers(): Promise<string[]> {
    return archive.leftovers(this.#sql, this.compose().now().getTime());
  }

  async discarded(keys: string[]): Promise<void> {
    archive.noteDiscarded(this.#sql, keys);
    this.#arm(this.compose().now().getTime());
  }

  async notDiscarded(keys: string[]): Promise<boolean> {
    const now = this.compose().now().getTime();
    const isNews = archive.noteRefused(this.#sql, keys, now);
    this.#arm(now);
    return isNews;
  }

  async segment(first: number, last: number): Promise<{ key: string; ndjson: string } | null> {
    return segments.segmentFile(this.#sql, first, last);
  }

  async archived(first: number, last: number, etag: string): Promise<void> {
    const now = this.compose().now();
    segments.noteArchived(this.#sql, now, first, last, etag);
    this.#arm(now.getTime());
  }

  async checkpoint(size?: number): Promise<SignedCheckpoint | TreeRefusal> {
    return this.#proving((services) => sign.signedCheckpoint(this.ctx.storage, services, size));
  }

  async checkpointKeys(): Promise<CheckpointKey[]> {
    return this.#proving(async (services) => keysOf(this.#sql, await sign.announcedSigners(this.ctx.storage, services)));
  }

  async proofBlock(first: number, last: number): Promise<ProofBlock | TreeRefusal> {
    return this.#proving((services) => sign.proofBlock(this.ctx.storage, services, first, last));
  }

  async proveInclusion(seq: number, size?: number): Promise<InclusionAnswer | TreeRefusal> {
    return this.#proving((services) => proveInclusion(this.ctx.storage, services, this.env.AUDIT_ARCHIVE, seq, size));
  }

  async inclusionLines(seqs: number[], size: number): Promise<string[] | TreeRefusal> {
    return this.#proving(async () => inclusionLines(this.#sql, seqs, size));
  }

  async proveConsistency(first: number, second?: number): Promise<ConsistencyAnswer | TreeRefusal> {
    return this.#proving((services) => proveConsistency(this.ctx.storage, services, first, second));
  }

  /** A proof may find the tree incomplete, or the key changed: both give the alarm something to do. */
  async #proving<T>(prove: (services: Services) => Promise<T>): Promise<T> {
    const services = this.compose();
    const answer = await prove(services);
    this.#arm(services.now().getTime());
    return answer;
  }

  async removeDestination(destinationId: string): Promise<void> {
    delivery.removeDestination(this.#sql, destinationId);
  }

  async pauseDestination(destinationId: string, paused: boolean): Promise<void> {
    const now = this.compose().now().getTime();
    delivery.pauseDestination(this.#sql, destinationId, paused, now);
    this.#arm(now);
  }

  async deliveryStatus(): Promise<DeliveryStatus[]> {
    return health.deliveryStatus(this.#sql);
  }

  async claim({ destinationId, replay }: Lane, limit: number): Promise<DeliveryClaim | 'done' | null> {
    if (rebuild.rebuilding(this.#sql)) return null;
    const { now, random } = this.compose();
    const [lane, lease] = [laneOf(destinationId, replay), hex(random(16))];
    const taken = delivery.takeLease(this.#sql, lane, lease, now().getTime());
    this.#arm(now().getTime());
    if (taken === null || taken === 'done') return taken;
    const { cursor, failures, refusedInARow, end } = taken;
    const { bodies, last } = await this.#eventsAfter(cursor, Math.min(limit, end - cursor));
    delivery.noteBatch(this.#sql, lane, lease, last);
    return { lease, failures, refusedInARow, bodies, first: cursor + 1, last };
  }

  /** A destination that was away for longer than the hot index reaches back gets its events from the archive. */
  async #eventsAfter(cursor: number, limit: number): Promise<delivery.Following> {
    const hot = delivery.hotEventsAfter(this.#sql, cursor, limit);
    if (hot.last > cursor) return hot;
    const place = archive.placeOf(this.#sql, cursor + 1);
    if (place === null) throw new AppError('internal', `Event ${cursor + 1} is neither hot nor archived`);
    const last = Math.min(place.last, cursor + limit);
    const lines = await readArchived(this.env.AUDIT_ARCHIVE, place);
    const erased = erasedAmong(this.#sql, cursor + 1, last);
    const bodies = lines.filter(({ seq }) => seq > cursor && seq <= last && !erased.has(seq)).map(({ body }) => body);
    return { bodies, last };
  }

  async eventAt(seq: number): Promise<string | null> {
    if (seq <= readRetention(this.#sql).purgedTo || seq > (readHead(this.#sql)?.size ?? 0)) return null;
    return (await this.#eventsAfter(seq - 1, 1)).bodies[0] ?? null;
  }

  async advance({ destinationId, replay }: Lane, lease: string, to: number, report: DeliveryReport | null): Promise<boolean> {
    const now = this.compose().now().getTime();
    const advanced = delivery.advance(this.#sql, laneOf(destinationId, replay), lease, to, report, now);
    this.#arm(now);
    return advanced;
  }

  async fail({ destinationId, replay }: Lane, lease: string, { retryInSeconds, ...failure }: DeliveryFailure): Promise<boolean> {
    const now = this.compose().now().getTime();
    const retryAt = now + Math.round(retryInSeconds * 1000);
    const noted = delivery.fail(this.#sql, laneOf(destinationId, replay), lease, { ...failure, retryAt }, now);
    this.#arm(now);
    return noted;
  }

  async setAside({ destinationId, replay }: Lane, lease: string, refused: RefusedEvent): Promise<boolean> {
    const now = this.compose().now().getTime();
    const noted = delivery.setAside(this.#sql, laneOf(destinationId, replay), lease, refused, now);
    this.#arm(now);
    return noted;
  }

  async setAsideAfter(destinationId: string, seq: number, limit: number): Promise<SetAsideRow[]> {
    return health.setAsideAfter(this.#sql, destinationId, seq, limit);
  }

  async forgetSetAside(destinationId: string, seqs: number[]): Promise<number> {
    return health.forgetSetAside(this.#sql, destinationId, seqs);
  }

  async refusedAgain(destinationId: string, seq: number, reason: string, status: number | null): Promise<void> {
    health.refusedAgain(this.#sql, destinationId, seq, reason, status, this.compose().now().getTime());
  }

  async firstRecordedFrom(time: string): Promise<number> {
    return replays.firstRecordedFrom(this.#sql, time, readHead(this.#sql)?.size ?? 0);
  }

  async health(destinationId: string, by: 'hour' | 'day'): Promise<DeliveryHealth> {
    return health.readHealth(this.#sql, destinationId, by, this.compose().now().getTime());
  }

  async endReplay(destinationId: string, ended: 'finished' | 'cancelled'): Promise<void> {
    replays.endReplay(this.#sql, laneOf(destinationId, true), ended, this.compose().now().getTime());
  }

  async accessToken(destinationId: string): Promise<string | null> {
    return delivery.accessToken(this.#sql, destinationId, this.compose().now().getTime());
  }

  async keepAccessToken(destinationId: string, sealed: string | null, until: number): Promise<void> {
    delivery.keepAccessToken(this.#sql, destinationId, sealed, until);
  }

  async findings(query: FindingQuery): Promise<FindingRow[]> {
    return findings.listFindings(this.#sql, query);
  }

  async findingCounts(since: { week: number; month: number }): Promise<FindingCount[]> {
    return findings.countFindings(this.#sql, since);
  }

  async finding(id: string): Promise<{ finding: FindingRow; evidence: number[]; bodies: string[] } | null> {
    const found = findings.readFinding(this.#sql, id);
    return found && { ...found, bodies: hotEvents(this.#sql, found.evidence) };
  }

  async findingAlone(id: string): Promise<FindingRow | null> {
    return findings.findFinding(this.#sql, id);
  }

  async moveFinding(move: FindingMove, request: AppendRequest): Promise<boolean> {
    const { now, random } = this.compose();
    this.#mustBeWhole();
    const moved = this.ctx.storage.transactionSync(() => {
      if (!findings.moveFinding(this.#sql, move)) return false;
      append(this.ctx.storage, request, { now: now(), random });
      return true;
    });
    if (moved) this.#arm(now().getTime());
    return moved;
  }

  override async alarm(): Promise<void> {
    const services = this.compose();
    const { now } = services;
    await this.ctx.storage.setAlarm(now().getTime() + SAFETY_MS);
    if (rebuild.rebuilding(this.#sql)) {
      const done = await this.#attempt(services, 'be rebuilt', () =>
        rebuild.rebuildSome(this.ctx.storage, this.env.AUDIT_ARCHIVE, services),
      );
      if (done) this.#arm(now().getTime());
      return;
    }
    await Promise.all([
      this.#attempt(services, 'announce segments', async () => {
        segments.seal(this.#sql, now());
        await sendAll(this.env.ARCHIVE_QUEUE, segments.takeAnnouncements(this.#sql, now().getTime()));
      }),
      this.#attempt(services, 'announce a compaction', async () => {
        const order = archive.takeCompaction(this.#sql, now().getTime());
        await sendAll(this.env.ARCHIVE_QUEUE, order ? [order] : []);
      }),
      this.#attempt(services, 'ring destinations', async () => {
        await sendAll(this.env.DELIVERY_QUEUE, delivery.takeDoorbells(this.#sql, now().getTime()));
      }),
      this.#attempt(services, 'tell how delivery stands', () => this.#tell(services)),
      this.#attempt(services, 'clear the outbox', () => clearOutbox(this.#sql, services)),
    ]);
    await this.#attempt(services, 'purge', async () => segments.purge(this.ctx.storage, now().getTime()));
    await this.#attempt(services, 'purge the archive', () => purgeArchive(this.ctx.storage, services, this.env.AUDIT_ARCHIVE));
    await this.#attempt(services, 'erase what is to be erased', () => eraseSome(this.ctx.storage, services, this.env.AUDIT_ARCHIVE));
    await this.#attempt(services, 'bring up old events', async () => indexSome(this.ctx.storage));
    await this.#attempt(services, 'complete its tree', async () => upgradeTree(this.ctx.storage));
    await this.#attempt(services, 'tell a checkpoint', () => sign.tellCheckpoint(this.ctx.storage, services));
    this.#arm(now().getTime());
  }

  async #tell(services: Services): Promise<void> {
    for (const due of telling.takeTellings(this.#sql, services.now().getTime())) {
      await tell(services, due);
      telling.told(this.#sql, due, services.now().getTime());
    }
  }

  /** One duty that fails must not keep the others from being done; each is due again by what the tables say. */
  async #attempt(services: Services, duty: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      services.log('error', `ledger could not ${duty}`, { tenantId: readHead(this.#sql)?.tenantId, error: String(error) });
      return false;
    }
  }

  /** Sets the alarm for whatever is due first. Not awaited: it is written together with what made it necessary. */
  #arm(now: number): void {
    const sql = this.#sql;
    const rebuildDue = rebuild.rebuildDue(sql, now);
    if (rebuild.rebuilding(sql)) {
      if (rebuildDue === null) void this.ctx.storage.deleteAlarm();
      else void this.ctx.storage.setAlarm(now + 1);
      return;
    }
    const dues = [
      segments.sealDue(sql, now),
      segments.announceDue(sql),
      segments.purgeDue(sql, now),
      archive.compactDue(sql),
      expiryDue(sql),
      erasureDue(sql, now),
      indexingDue(sql, now),
      delivery.ringDue(sql),
      telling.tellDue(sql),
      upgradeDue(sql, now),
      tellingDue(sql),
      readHead(sql)?.clearAt ?? null,
    ].filter((due) => due !== null);
    if (dues.length === 0) void this.ctx.storage.deleteAlarm();
    // Never at once: what is due and fails would otherwise spin.
    else void this.ctx.storage.setAlarm(Math.max(Math.min(...dues), now + 1));
  }
}

async function sendAll(queue: Queue<unknown>, messages: unknown[]): Promise<void> {
  if (messages.length > 0) await queue.sendBatch(messages.map((body) => ({ body })));
}
