import { z } from 'zod';
import { CLOSE_CODES, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import {
  fromRunner,
  type FromRunner,
  type ReadReport,
  type ToRunner,
  type ToWatcher,
  type WorkspaceReport,
} from '@gatehouse/core/protocol/runner-control.ts';
import { HEARD_BY_RUNNER, HEARD_BY_WORKER } from '@gatehouse/core/protocol/heard.ts';
import type { UsageTold, WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import { base64url } from '../platform/encoding.ts';
import { ComposedObject } from '../platform/durable.ts';
import { objectContext } from '../platform/object-context.ts';
import type { RunnerObject } from '../platform/objects.ts';
import { controlFacts, factsOf, watcherFacts } from '../platform/socket-facts.ts';
import { BuildLogs } from './build-log.ts';
import { LiveUsage } from './live-usage.ts';
import { provesIdentity } from './runner-keys.ts';
import { markOffline, markOnline, saveLoad } from './runner-presence.ts';
import { recordHappening } from './happenings.ts';
import { recordReads } from './read-volume.ts';
import { recordWork } from './stopping.ts';
import { recordReport } from './workspaces.ts';
import { admit, handedOver } from './queue.store.ts';
import { findOrders, findWorkspace, lineOf } from './workspaces.store.ts';

const CONTROL_PATH = '/api/v1/runner/control';
/** Phases by which a workspace gives its place back. */
const GIVES_BACK: ReadonlyArray<WorkspaceReport['phase']> = ['stopped', 'failed', 'deleted'];
/** A runner pings every 20 s; silent for this long, it is gone. */
const SILENCE_MS = 60_000;

/** What a socket is, kept in its attachment because fields do not survive hibernation. */
const attachment = z.discriminatedUnion('kind', [
  controlFacts.extend({ nonce: z.string(), proved: z.boolean(), since: z.number(), hears: z.array(z.string()).default([]) }),
  watcherFacts.omit({ from: true }),
]);
type Control = Extract<z.infer<typeof attachment>, { kind: 'control' }>;
interface Connected {
  socket: WebSocket;
  facts: Control;
}

/**
 * One runner's presence: its control socket, the orders to it, its reports, the build logs of its
 * workspaces and the pages that watch them. Born by the runner's own dial, so it stands near the runner.
 */
export abstract class RunnerShell extends ComposedObject implements RunnerObject {
  #logs = new BuildLogs(this.ctx.storage.sql);
  readonly #usage = new LiveUsage(this.ctx.storage);
  /** Messages that touch D1 are worked on one after another, in their order. */
  #queue: Promise<void> = Promise.resolve();

  override async fetch(request: Request): Promise<Response> {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
    const facts = factsOf(request, z.discriminatedUnion('kind', [controlFacts, watcherFacts]));
    const { 0: client, 1: server } = new WebSocketPair();
    if (facts.kind === 'control') {
      const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
      this.ctx.acceptWebSocket(server, ['control']);
      server.serializeAttachment({ ...facts, nonce, proved: false, since: Date.now(), hears: [] } satisfies Control);
      send(server, { kind: 'challenge', nonce });
      await this.ctx.storage.put('facts', facts);
      await this.#watchPresence();
      return new Response(null, { status: 101, webSocket: client });
    }
    this.ctx.acceptWebSocket(server, [`watch:${facts.workspaceId}`]);
    server.serializeAttachment({ kind: 'watch', tenantId: facts.tenantId, shard: facts.shard, workspaceId: facts.workspaceId });
    await this.#greetWatcher(server, facts);
    return new Response(null, { status: 101, webSocket: client, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    // What was on its way when the socket was given up.
    if (socket.readyState !== WebSocket.OPEN) return;
    const kept = attachment.parse(socket.deserializeAttachment());
    if (message === 'ping') return;
    if (kept.kind === 'watch') return close(socket, 'protocol');
    const parsed = typeof message === 'string' && message.length <= 512 * 1024 ? fromRunner.safeParse(parseJson(message)) : null;
    if (!parsed?.success) return close(socket, 'protocol');
    if (!kept.proved && parsed.data.kind !== 'proof') return close(socket, 'unauthenticated');
    this.#receive(socket, kept, parsed.data);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.#gone(socket, code);
  }

  override webSocketError(socket: WebSocket): void {
    this.#gone(socket, 1006);
  }

  async order(workspaceId: string): Promise<void> {
    const control = this.#control();
    if (!control) return;
    await this.#send(control, workspaceId);
    await this.#dispatch(control, workspaceId);
  }

  async dispatch(): Promise<void> {
    const control = this.#control();
    if (control) await this.#dispatch(control);
  }

  async #send({ socket, facts }: Connected, workspaceId: string): Promise<void> {
    const ctx = objectContext(this.compose(), facts, { type: 'system', name: 'Gatehouse' });
    const [order] = await findOrders(ctx, facts.runnerId, workspaceId);
    if (order) send(socket, { kind: 'order', order });
    await this.#tellState(workspaceId, facts);
  }

  /** An order that is sent again changes nothing at the runner. @param but one that was sent just now */
  async #dispatch(control: Connected, but?: string): Promise<void> {
    const { tenantId, shard, runnerId } = control.facts;
    const db = this.compose().tenantDb(shard, tenantId);
    const [, found] = await db.batch([admit(tenantId, runnerId), handedOver(tenantId, runnerId)]);
    const ids = (found?.rows ?? []).map(({ id }) => String(id));
    for (const id of ids) if (id !== but) await this.#send(control, id);
    // Whoever still waits has moved up.
    for (const id of this.#watched()) if (!ids.includes(id)) await this.#tellState(id, control.facts);
  }

  #watched(): Set<string> {
    const kept = this.ctx.getWebSockets().map((socket) => attachment.safeParse(socket.deserializeAttachment()).data);
    return new Set(kept.flatMap((each) => (each?.kind === 'watch' ? [each.workspaceId] : [])));
  }

  async refresh(): Promise<void> {
    const control = this.#control();
    if (control) await this.#sendReady(control.socket, control.facts);
  }

  async remove(): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) {
      if (this.ctx.getTags(socket).includes('control')) send(socket, { kind: 'removed' });
      close(socket, 'gone');
    }
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#logs = new BuildLogs(this.ctx.storage.sql);
  }

  async logs(workspaceId: string, from: number): Promise<{ generation: number; offset: number; text: string; truncated: boolean }> {
    return this.#logs.read(workspaceId, from);
  }

  async usage(workspaceIds: readonly string[]): Promise<Record<string, WorkspaceUsage>> {
    const now = Date.now();
    if (await this.#usage.watch(now)) this.#sayIfHeard({ kind: 'watch' });
    return this.#usage.read(workspaceIds, now);
  }

  async notice(workspaceId: string, text: string): Promise<void> {
    this.#sayIfHeard({ kind: 'notice', workspaceId, text });
  }

  /** Sockets can die without a word, and with them the whole machine: presence is looked at again and again. */
  override async alarm(): Promise<void> {
    const facts = controlFacts.safeParse(await this.ctx.storage.get('facts'));
    if (!facts.success) return;
    await this.#watchPresence();
    for (const socket of this.ctx.getWebSockets('control')) {
      const kept = attachment.parse(socket.deserializeAttachment());
      const heard = Math.max(this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0, kept.kind === 'control' ? kept.since : 0);
      if (Date.now() - heard > SILENCE_MS) close(socket, 'slow');
    }
    if (!this.#control())
      await markOffline(
        objectContext(this.compose(), facts.data, { type: 'runner', id: facts.data.runnerId, name: facts.data.runnerName }),
        'The connection was lost',
      );
  }

  #watchPresence(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + SILENCE_MS);
  }

  #receive(socket: WebSocket, kept: Control, message: FromRunner): void {
    switch (message.kind) {
      case 'proof':
        return this.#prove(socket, kept, message);
      case 'report':
        return this.#enqueue(socket, () => this.#report(socket, kept, message.report, message.body));
      case 'happened':
        return this.#enqueue(socket, () => this.#happened(socket, kept, message));
      case 'log':
        return this.#log(socket, message);
      case 'read':
        return this.#enqueue(socket, () => this.#read(socket, kept, message.reports));
      case 'load':
        return this.#enqueue(socket, () => saveLoad(this.#asRunner(kept), message));
      case 'usage':
        return this.#enqueue(socket, () => this.#takeUsage(kept, message));
    }
  }

  #prove(socket: WebSocket, kept: Control, proof: Extract<FromRunner, { kind: 'proof' }>): void {
    if (kept.proved || !provesIdentity(kept.identityKey, kept.nonce, CONTROL_PATH, proof.signature))
      return close(socket, 'unauthenticated');
    // One runner, one control socket: the newest wins.
    for (const other of this.ctx.getWebSockets('control')) if (other !== socket) close(other, 'replaced');
    const hears = HEARD_BY_RUNNER.filter((kind) => proof.hears?.includes(kind));
    socket.serializeAttachment({ ...kept, proved: true, hears } satisfies Control);
    this.#enqueue(socket, async () => {
      if (!(await this.#isKnown(kept))) {
        send(socket, { kind: 'removed' });
        return close(socket, 'gone');
      }
      await markOnline(this.#asRunner(kept), proof);
      await this.#sendReady(socket, kept);
    });
  }

  async #sendReady(socket: WebSocket, kept: Control): Promise<void> {
    await this.#asRunner(kept).db.batch([admit(kept.tenantId, kept.runnerId)]);
    const orders = await findOrders(this.#asRunner(kept), kept.runnerId, null);
    const row = await this.#asRunner(kept).db.first<{ confirmed_at: string | null }>(
      'SELECT confirmed_at FROM runners WHERE tenant_id = ? AND id = ?',
      kept.tenantId,
      kept.runnerId,
    );
    const confirmed = row !== undefined && row.confirmed_at !== null;
    send(socket, { kind: 'ready', runnerId: kept.runnerId, confirmed, orders, hears: [...HEARD_BY_WORKER] });
  }

  async #report(socket: WebSocket, kept: Control, number: number, report: WorkspaceReport): Promise<void> {
    const stored = (await this.ctx.storage.get<number>('stored')) ?? 0;
    if (number > stored) {
      const ctx = this.#asRunner(kept);
      await recordReport(ctx, kept.runnerId, report);
      await this.ctx.storage.put('stored', number);
      if (report.phase === 'deleted') this.#logs.forget(report.workspaceId);
      await this.#tellState(report.workspaceId, kept);
      if (GIVES_BACK.includes(report.phase)) await this.#dispatch({ socket, facts: kept });
    }
    send(socket, { kind: 'stored', report: Math.max(number, stored) });
  }

  async #happened(socket: WebSocket, kept: Control, told: Extract<FromRunner, { kind: 'happened' }>): Promise<void> {
    const stored = (await this.ctx.storage.get<number>('stored')) ?? 0;
    if (told.report > stored) {
      if (!(await this.#isKnown(kept))) return;
      await recordHappening(this.#asRunner(kept), { type: 'runner', id: kept.runnerId, name: kept.runnerName }, told);
      await this.ctx.storage.put('stored', told.report);
    }
    send(socket, { kind: 'stored', report: Math.max(told.report, stored) });
  }

  async #read(socket: WebSocket, kept: Control, reports: ReadReport[]): Promise<void> {
    await recordReads(this.#asRunner(kept), { type: 'runner', id: kept.runnerId, name: kept.runnerName }, reports);
    const connectionIds = reports.filter(({ endedAt }) => endedAt !== null).map(({ connectionId }) => connectionId);
    if (connectionIds.length > 0) send(socket, { kind: 'read-stored', connectionIds });
  }

  async #takeUsage(kept: Control, { workspaces }: UsageTold): Promise<void> {
    await this.#usage.take(workspaces, Date.now(), (changed) => recordWork(this.#asRunner(kept), kept.runnerId, changed));
  }

  #sayIfHeard(message: Extract<ToRunner, { kind: 'watch' | 'notice' }>): void {
    const control = this.#control();
    if (control?.facts.hears.includes(message.kind)) send(control.socket, message);
  }

  #log(socket: WebSocket, { workspaceId, generation, offset, text }: Extract<FromRunner, { kind: 'log' }>): void {
    const taken = this.#logs.append(workspaceId, generation, offset, text);
    send(socket, { kind: 'logged', workspaceId, generation, offset: taken.offset });
    if (taken.fresh) this.#tellWatchers(workspaceId, { kind: 'log', generation, offset, text });
  }

  async #greetWatcher(socket: WebSocket, facts: z.infer<typeof watcherFacts>): Promise<void> {
    const log = this.#logs.read(facts.workspaceId, facts.from);
    if (log.text !== '') send(socket, { kind: 'log', generation: log.generation, offset: log.offset, text: log.text });
    await this.#tellState(facts.workspaceId, facts, [socket]);
  }

  async #tellState(
    workspaceId: string,
    where: { tenantId: string; shard: string },
    to = this.ctx.getWebSockets(`watch:${workspaceId}`),
  ): Promise<void> {
    if (to.length === 0) return;
    const row = await findWorkspace(this.compose().tenantDb(where.shard, where.tenantId), workspaceId);
    const state: ToWatcher = row
      ? {
          ...{ kind: 'state', generation: row.generation, phase: row.phase, step: row.step, percent: row.percent },
          ...{ error: row.error, failure: row.failure, line: lineOf(row) },
        }
      : { kind: 'state', generation: 0, phase: 'deleted', step: null, percent: null, error: null, failure: null };
    for (const socket of to) send(socket, state);
  }

  #tellWatchers(workspaceId: string, message: ToWatcher): void {
    for (const socket of this.ctx.getWebSockets(`watch:${workspaceId}`)) send(socket, message);
  }

  #control(): Connected | undefined {
    for (const socket of this.ctx.getWebSockets('control')) {
      const facts = attachment.parse(socket.deserializeAttachment());
      if (facts.kind === 'control' && facts.proved && socket.readyState === WebSocket.OPEN) return { socket, facts };
    }
    return undefined;
  }

  #gone(socket: WebSocket, code: number): void {
    const kept = attachment.parse(socket.deserializeAttachment());
    // 1005, 1006 and 1015 may not be sent.
    socket.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code);
    if (kept.kind !== 'control' || !kept.proved) return;
    this.#enqueue(socket, async () => {
      if (!this.#control()) await markOffline(this.#asRunner(kept), 'The connection was closed');
    });
  }

  #enqueue(socket: WebSocket, work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      this.compose().log('error', 'runner message failed', { error: error instanceof Error ? error.stack : String(error) });
      // The runner dials again and repeats what was not stored.
      close(socket, 'slow');
    });
    this.ctx.waitUntil(this.#queue);
  }

  /** @returns whether the runner may still be heard: it may have been shut out since its message came */
  async #isKnown({ tenantId, shard, runnerId }: Control): Promise<boolean> {
    const row = await this.compose()
      .tenantDb(shard, tenantId)
      .first('SELECT 1 FROM runners WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL AND revoked_at IS NULL', tenantId, runnerId);
    return row !== undefined;
  }

  #asRunner(kept: Control) {
    return objectContext(this.compose(), kept, { type: 'runner', id: kept.runnerId, name: kept.runnerName });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(socket: WebSocket, message: ToRunner | ToWatcher): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function close(socket: WebSocket, name: CloseName): void {
  const { code, reason } = CLOSE_CODES[name];
  if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
}
