import { randomBytes } from 'node:crypto';
import { newId } from '@gatehouse/core/ids.ts';
import type { RecordingKey } from '@gatehouse/core/protocol/recording.ts';
import type { Clock } from '../connection/clock.ts';
import type { Log } from '../log.ts';
import type { Size } from '../terminals/size.ts';
import type { Spool } from './spool.ts';
import { Tape, type TapedTerminal } from './tape.ts';

const REVIEW_MS = 2_000;
/** one line of the log in this time says that recording fails */
const SAID_EVERY_MS = 60_000;

/** Begins, goes on with and ends the recordings of this machine. */
export class Recorder {
  readonly #spool: Spool;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #closed: () => void;
  readonly #tapes = new Set<Tape>();
  #saidAt = -Infinity;
  #cancel: () => void = () => undefined;

  /** @param closed something is ready for the service */
  constructor(options: { spool: Spool; clock: Clock; log: Log; closed(): void }) {
    this.#spool = options.spool;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#closed = options.closed;
    this.#reviewSoon();
  }

  now(): number {
    return this.#clock.now();
  }

  /** @throws Error when it can't be written */
  begin({ workspaceId, terminalId, title }: TapedTerminal, key: RecordingKey, size: Size): Tape {
    const now = this.#clock.now();
    const recordingId = newId('recording', now, randomBytes(16));
    this.#spool.claim(256);
    const recording = this.#spool.begin({ recordingId, workspaceId, terminalId, title, key, startedAt: new Date(now).toISOString() });
    const tape = new Tape(this.#spool, recording, this.#closed);
    try {
      tape.write({ time: now, kind: 'begin', ...size, title });
    } catch (error) {
      this.#spool.remove(recording);
      throw error;
    }
    return this.#open(tape);
  }

  /** What an earlier runner recorded of a terminal that lives on. */
  resume({ workspaceId, terminalId }: TapedTerminal): Tape | null {
    const recording = this.#spool.unfinished(workspaceId, terminalId);
    return recording === undefined ? null : this.#open(new Tape(this.#spool, recording, this.#closed));
  }

  /** Closes the slices that are old enough. */
  review(): void {
    for (const tape of this.#tapes) tape.review(this.now());
  }

  forget(tape: Tape): void {
    this.#tapes.delete(tape);
  }

  /** Ends the recordings of terminals that did not live on: all but those that go on now. */
  finishLost(): void {
    for (const recording of this.#spool.recordings) {
      if (recording.endedAt !== null || [...this.#tapes].some((tape) => tape.recordingId === recording.recordingId)) continue;
      const tape = new Tape(this.#spool, recording, this.#closed);
      try {
        tape.write({ time: this.now(), kind: 'note', text: 'The terminal ended while no runner was there' });
      } catch {
        // What is recorded ends here all the same.
      }
      tape.end(this.now());
    }
  }

  failed(reason: string): void {
    if (this.now() - this.#saidAt < SAID_EVERY_MS) return;
    this.#saidAt = this.now();
    this.#log.error(`Recording fails: ${reason}`);
  }

  stop(): void {
    this.#cancel();
    for (const tape of this.#tapes) tape.leave();
    this.#tapes.clear();
  }

  #open(tape: Tape): Tape {
    this.#tapes.add(tape);
    return tape;
  }

  #reviewSoon(): void {
    this.#cancel = this.#clock.after(REVIEW_MS, () => {
      this.review();
      this.#reviewSoon();
    });
  }
}
