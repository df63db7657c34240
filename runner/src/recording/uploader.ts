import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { recordingPut, slicePut } from '@gatehouse/core/api/recordings.ts';
import { backoffDelay } from '../connection/backoff.ts';
import type { Clock } from '../connection/clock.ts';
import { messageOf } from '../failure.ts';
import type { Log } from '../log.ts';
import type { SpooledRecording, Spool } from './spool.ts';

/** Sends a body to a path of the service. @returns the status of its answer. @throws Error when there is none */
export type Put = (path: string, body: object) => Promise<number>;

const ANSWER_WITHIN_MS = 30_000;
/** how long the end of the runner waits for the service */
const LAST_WORDS_MS = 5_000;

export const putTo =
  (url: string, token: string): Put =>
  async (path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    await response.body?.cancel();
    return response.status;
  };

/** Brings what is recorded to the service, each slice in its turn and again until it is stored there. */
export class Uploader {
  readonly #spool: Spool;
  readonly #put: Put;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #known = new Set<string>();
  #attempt = 0;
  #busy = false;
  #work: Promise<void> = Promise.resolve();
  #again = false;
  #stopped = false;
  #cancel: () => void = () => undefined;

  constructor(options: { spool: Spool; put: Put; clock: Clock; log: Log }) {
    this.#spool = options.spool;
    this.#put = options.put;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#busy || this.#stopped) this.#again = true;
    else this.#work = this.#run();
  }

  /** Resolves once nothing is under way. */
  settled(): Promise<void> {
    return this.#work;
  }

  /** Sends what is closed, as long as the service takes it; the rest is the next runner's. */
  async stop(): Promise<void> {
    this.#cancel();
    const late = this.#clock.after(LAST_WORDS_MS, () => (this.#stopped = true));
    await this.#work;
    if (!this.#stopped) await this.#run();
    this.#stopped = true;
    late();
    this.#cancel();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    this.#cancel();
    let failed: boolean;
    do {
      this.#again = false;
      failed = false;
      for (const recording of this.#spool.recordings) {
        if (this.#stopped) break;
        try {
          await this.#send(recording);
        } catch (error) {
          failed = true;
          this.#known.delete(recording.recordingId);
          this.#log.warn(`Recording ${recording.recordingId} waits: ${messageOf(error)}`);
        }
      }
    } while (this.#again && !failed && !this.#stopped);
    this.#busy = false;
    this.#attempt = failed ? this.#attempt + 1 : 0;
    if (failed && !this.#stopped)
      this.#cancel = this.#clock.after(backoffDelay(this.#attempt, this.#clock.random()), () => (this.#work = this.#run()));
  }

  async #send(recording: SpooledRecording): Promise<void> {
    const { recordingId } = recording;
    if (recording.next === 0 && recording.endedAt === null) return;
    if (!this.#known.has(recordingId)) await this.#tell(recording, null);
    this.#known.add(recordingId);
    for (let slice = recording.stored; slice < recording.next && !this.#stopped; slice++) {
      const bytes = this.#spool.read(recording, slice);
      const body: z.input<typeof slicePut> = {
        bytes: Buffer.from(bytes).toString('base64url'),
        hash: createHash('sha256').update(bytes).digest('hex'),
      };
      await this.#do(`/runner/recordings/${recordingId}/slices/${slice}`, body);
      this.#spool.stored(recording, slice);
    }
    if (recording.endedAt === null || recording.stored < recording.next) return;
    await this.#tell(recording, recording.endedAt);
    this.#spool.remove(recording);
  }

  async #tell(recording: SpooledRecording, endedAt: string | null): Promise<void> {
    const { recordingId, workspaceId, terminalId, title, key, startedAt, next, previous } = recording;
    const end = endedAt === null ? null : { at: endedAt, slices: next, hash: previous };
    const body: z.input<typeof recordingPut> = { workspaceId, terminalId, title, keyId: key.id, startedAt, end };
    await this.#do(`/runner/recordings/${recordingId}`, body);
  }

  async #do(path: string, body: object): Promise<void> {
    const status = await this.#put(path, body);
    if (status >= 300) throw new Error(`the service answers ${status}`);
  }
}
