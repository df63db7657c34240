import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../../scripts/api.ts';
import { backoff } from '../../web/src/lib/ide/connection/backoff.ts';
import { workerdOf } from './processes.ts';
import type { Line, WorkspaceLine, WorkspaceSystem } from './system.ts';
import { type ClientStream, WorkspaceClient } from './workspace-client.ts';

const SIZE = { cols: 120, rows: 40 };

interface Place {
  owner: Person;
  origin: string;
  port: number;
  stateDir: string;
  workspaceId: string;
  runnerPid: number;
}

/** Shells of a Gatehouse workspace, each over a connection of its own. */
export function gatehouse(place: Place): WorkspaceSystem {
  return {
    name: 'gatehouse',
    port: place.port,
    reconnects: true,
    open: (onBytes, via) => WorkspaceTerminal.open(place, onBytes, via),
    processes: () => ({ server: workerdOf(place.stateDir), runner: [place.runnerPid] }),
    stop: async () => undefined,
  };
}

/** A terminal as the page has it across connections: output goes on at its byte, input waits for the next connection. */
class WorkspaceTerminal implements WorkspaceLine {
  readonly #dial: () => Promise<WorkspaceClient>;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #client: WorkspaceClient;
  #stream: ClientStream | null = null;
  #terminalId = '';
  /** of the next byte of output */
  #offset = 0;
  #waiting: Uint8Array[] = [];
  #closing = false;
  /** dials after a cut */
  #again: Promise<void> | null = null;

  private constructor(dial: () => Promise<WorkspaceClient>, client: WorkspaceClient, onBytes: (bytes: Uint8Array) => void) {
    this.#dial = dial;
    this.#client = client;
    this.#onBytes = onBytes;
  }

  static async open(place: Place, onBytes: (bytes: Uint8Array) => void, via?: number): Promise<WorkspaceTerminal> {
    const dial = () => WorkspaceClient.connect(place.owner, place.origin, place.workspaceId, via);
    const line = new WorkspaceTerminal(dial, await dial(), onBytes);
    const { terminalId, stream } = await line.#client.openTerminal(SIZE, (bytes) => line.#take(bytes));
    line.#terminalId = terminalId;
    line.#use(stream);
    return line;
  }

  async join(onBytes: (bytes: Uint8Array) => void): Promise<Line> {
    const client = await this.#dial();
    const { stream } = await client.attachTerminal(this.#terminalId, this.#offset, SIZE, onBytes);
    return {
      send: (bytes) => stream.write(bytes),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      close: () => client.close(),
    };
  }

  send(bytes: Uint8Array): void {
    if (this.#stream) this.#stream.write(bytes);
    else this.#waiting.push(bytes);
  }

  pause(): void {
    this.#client.socket.pause();
  }

  resume(): void {
    this.#client.socket.resume();
  }

  read(path: string): Promise<Buffer> {
    return this.#client.read(path);
  }

  write(path: string, bytes: Uint8Array): Promise<void> {
    return this.#client.write(path, bytes);
  }

  async close(): Promise<void> {
    // A terminal that is left because of a cut would live on.
    await this.#again;
    this.#closing = true;
    this.#client.socket.resume();
    await this.#client.closeTerminal(this.#terminalId).catch(() => undefined);
    await this.#client.close();
  }

  #take(bytes: Uint8Array): void {
    this.#offset += bytes.byteLength;
    this.#onBytes(bytes);
  }

  #use(stream: ClientStream): void {
    this.#stream = stream;
    for (const bytes of this.#waiting.splice(0)) stream.write(bytes);
    void this.#client.closed.then(() => {
      this.#stream = null;
      if (!this.#closing) this.#again = this.#dialAgain();
    });
  }

  /** Dials with the page's own pauses until it is let in. */
  async #dialAgain(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      await sleep(backoff(attempt, Math.random()));
      try {
        this.#client = await this.#dial();
        const { offset, stream } = await this.#client.attachTerminal(this.#terminalId, this.#offset, SIZE, (bytes) => this.#take(bytes));
        if (offset < this.#offset) throw new Error(`Asked for byte ${this.#offset}, got ${offset}`);
        // A gap is seen by those who count what was printed.
        this.#offset = offset;
        return this.#use(stream);
      } catch {
        this.#client.socket.terminate();
      }
    }
  }
}
