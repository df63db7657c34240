import { z } from 'zod';
import { CLOSE_CODES, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import {
  fromRunner,
  type FromRunner,
  type ToRunner,
  type ToWatcher,
  type WorkspaceReport,
} from '@gatehouse/core/protocol/runner-control.ts';
import { base64url } from '../platform/encoding.ts';
import { ComposedObject } from '../platform/durable.ts';
import { objectContext } from '../platform/object-context.ts';
import type { RunnerObject } from '../platform/objects.ts';
import { controlFacts, factsOf, watcherFacts } from '../platform/socket-facts.ts';
import { BuildLogs } from './build-log.ts';
import { provesIdentity } from './runner-keys.ts';
import { markOffline, markOnline, saveLoad } from './runner-presence.ts';
import { recordHappening } from './happenings.ts';
import { recordReport } from './workspaces.ts';
import { findOrders, findWorkspace } from './workspaces.store.ts';

const CONTROL_PATH = '/api/v1/runner/control';
/** A runner pings every 20 s; silent for this long, it is gone. */
const SILENCE_MS = 60_000;

/** What a socket is, kept in its attachment because fields do not survive hibernation. */
const attachment = z.discriminatedUnion('kind', [
  controlFacts.extend({ nonce: z.string(), proved: z.boolean(), since: z.number() }),
  watcherFacts.omit({ from: true }),
]);
type Control = Extract<z.infer<typeof attachment>, { kind: 'control' }>;

/**
 * One runner's presence: its control socket, the orders to it, its reports, the build logs of its
 * workspaces and the pages that watch them. Born by the runner's own dial, so it stands near the runner.
 */
export abstract class RunnerShell extends ComposedObject implements RunnerObject {
  #logs = new BuildLogs(this.ctx.storage.sql);
  /** Messages that touch D1 are worked on one after another, in their order. */
  #queue: Promise<void> = Promise.resolve();

  override async fetch(request: Request): Promise<Response> {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
    const facts = factsOf(request, z.discriminatedUnion('kind', [controlFacts, watcherFacts]));
    const { 0: client, 1: server } = new WebSocketPair();
    if (facts.kind === 'control') {
      const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
      this.ctx.acceptWebSocket(server, ['control']);
      server.serializeAttachment({ ...facts, nonce, proved: false, since: Date.now() });
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
    const ctx = objectContext(this.compose(), control.facts, { type: 'system', name: 'Gatehouse' });
    const [order] = await findOrders(ctx, control.facts.runnerId, workspaceId);
    if (order) send(control.socket, { kind: 'order', order });
    await this.#tellState(workspaceId, control.facts);
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
      case 'load':
        return this.#enqueue(socket, () => saveLoad(this.#asRunner(kept), message));
    }
  }

  #prove(socket: WebSocket, kept: Control, proof: Extract<FromRunner, { kind: 'proof' }>): void {
    if (kept.proved || !provesIdentity(kept.identityKey, kept.nonce, CONTROL_PATH, proof.signature))
      return close(socket, 'unauthenticated');
    // One runner, one control socket: the newest wins.
    for (const other of this.ctx.getWebSockets('control')) if (other !== socket) close(other, 'replaced');
    socket.serializeAttachment({ ...kept, proved: true });
    this.#enqueue(socket, async () => {
      await markOnline(this.#asRunner(kept), proof);
      await this.#sendReady(socket, kept);
    });
  }

  async #sendReady(socket: WebSocket, kept: Control): Promise<void> {
    const orders = await findOrders(this.#asRunner(kept), kept.runnerId, null);
    const row = await this.#asRunner(kept).db.first<{ confirmed_at: string | null }>(
      'SELECT confirmed_at FROM runners WHERE tenant_id = ? AND id = ?',
      kept.tenantId,
      kept.runnerId,
    );
    send(socket, { kind: 'ready', runnerId: kept.runnerId, confirmed: row !== undefined && row.confirmed_at !== null, orders });
  }

  async #report(socket: WebSocket, kept: Control, number: number, report: WorkspaceReport): Promise<void> {
    const stored = (await this.ctx.storage.get<number>('stored')) ?? 0;
    if (number > stored) {
      const ctx = this.#asRunner(kept);
      await recordReport(ctx, kept.runnerId, report);
      await this.ctx.storage.put('stored', number);
      if (report.phase === 'deleted') this.#logs.forget(report.workspaceId);
      await this.#tellState(report.workspaceId, kept);
    }
    send(socket, { kind: 'stored', report: Math.max(number, stored) });
  }

  async #happened(socket: WebSocket, kept: Control, told: Extract<FromRunner, { kind: 'happened' }>): Promise<void> {
    const stored = (await this.ctx.storage.get<number>('stored')) ?? 0;
    if (told.report > stored) {
      await recordHappening(this.#asRunner(kept), { type: 'runner', id: kept.runnerId, name: kept.runnerName }, told);
      await this.ctx.storage.put('stored', told.report);
    }
    send(socket, { kind: 'stored', report: Math.max(told.report, stored) });
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
          kind: 'state',
          generation: row.generation,
          phase: row.phase,
          step: row.step,
          percent: row.percent,
          error: row.error,
          failure: row.failure,
        }
      : { kind: 'state', generation: 0, phase: 'deleted', step: null, percent: null, error: null, failure: null };
    for (const socket of to) send(socket, state);
  }

  #tellWatchers(workspaceId: string, message: ToWatcher): void {
    for (const socket of this.ctx.getWebSockets(`watch:${workspaceId}`)) send(socket, message);
  }

  #control(): { socket: WebSocket; facts: Control } | undefined {
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
