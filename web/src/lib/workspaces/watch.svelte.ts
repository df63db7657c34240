import { mayRetry } from '@gatehouse/core/protocol/close.ts';
import { toWatcher, type ToWatcher } from '@gatehouse/core/protocol/runner-control.ts';
import * as workspaces from '#lib/api/workspaces.ts';

export type LiveState = Extract<ToWatcher, { kind: 'state' }>;

const KEPT = 1_000_000;
const LONGEST_WAIT = 15_000;

/** Appends what is new of a piece of log. Pieces may repeat after a reconnect; offsets count UTF-8 bytes. */
export class BuildLog {
  text = $state('');
  /** earlier lines are not shown, because they are no longer kept */
  cut = $state(false);
  #generation = 0;
  #to = 0;

  /** where the next connection goes on */
  get offset(): number {
    return this.#to;
  }

  add({ generation, offset, text }: { generation: number; offset: number; text: string }): void {
    if (generation < this.#generation) return;
    if (generation > this.#generation) this.#begin(generation);
    if (this.text === '' && offset > this.#to) {
      this.#to = offset;
      this.cut = true;
    }
    const bytes = new TextEncoder().encode(text);
    const fresh = bytes.subarray(Math.max(0, this.#to - offset));
    if (fresh.length === 0) return;
    this.#to = offset + bytes.length;
    this.text = (this.text + new TextDecoder().decode(fresh)).slice(-KEPT);
  }

  #begin(generation: number): void {
    this.#generation = generation;
    this.#to = 0;
    this.text = '';
    this.cut = false;
  }
}

/** The live log and state of one workspace, kept connected while it is wanted. */
export class WorkspaceWatch {
  readonly log = new BuildLog();
  state = $state.raw<LiveState | null>(null);
  connected = $state(false);
  /** the connection ended for good: access was taken away, or the workspace is gone */
  over = $state(false);
  readonly #id: string;
  readonly #open: typeof workspaces.watch;
  readonly #onState: (state: LiveState) => void;
  #socket: WebSocket | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  constructor(id: string, onState: (state: LiveState) => void = () => undefined, open = workspaces.watch) {
    this.#id = id;
    this.#onState = onState;
    this.#open = open;
  }

  start(): void {
    const socket = this.#open(this.#id, this.log.offset);
    this.#socket = socket;
    socket.onopen = () => {
      this.connected = true;
      this.#tries = 0;
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(code);
  }

  stop(): void {
    clearTimeout(this.#again);
    if (this.#socket) this.#socket.onclose = null;
    this.#socket?.close(1000);
    this.#socket = null;
    this.connected = false;
  }

  #receive(data: unknown): void {
    const message = toWatcher.safeParse(parseJson(data));
    if (!message.success) return;
    if (message.data.kind === 'log') {
      this.log.add(message.data);
    } else {
      this.state = message.data;
      this.#onState(message.data);
    }
  }

  #closed(code: number): void {
    this.connected = false;
    if (!mayRetry(code) || code === 1000) {
      this.over = true;
      return;
    }
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#again = setTimeout(() => this.start(), wait);
  }
}

function parseJson(data: unknown): unknown {
  if (typeof data !== 'string') return null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
