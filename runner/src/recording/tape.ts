import { SLICE_BYTES, type TapeEvent } from '@gatehouse/core/protocol/recording.ts';
import { SliceFile } from './slice-file.ts';
import type { SpooledRecording, Spool } from './spool.ts';

/** A slice that is older is closed, so that what was recorded is soon with the service. */
const SLICE_MS = 10_000;

export interface TapedTerminal {
  workspaceId: string;
  terminalId: string;
  title: string;
}

/** One recording that is being written, slice by slice. */
export class Tape {
  readonly #spool: Spool;
  readonly #recording: SpooledRecording;
  readonly #closed: () => void;
  #file: SliceFile | null = null;
  #openedAt = 0;
  #offset: number;

  /** @param closed a slice is ready for the service */
  constructor(spool: Spool, recording: SpooledRecording, closed: () => void) {
    this.#spool = spool;
    this.#recording = recording;
    this.#offset = recording.offset;
    this.#closed = closed;
  }

  get recordingId(): string {
    return this.#recording.recordingId;
  }

  get keyId(): string {
    return this.#recording.key.id;
  }

  /** of the terminal's output: all before is recorded */
  get offset(): number {
    return this.#offset;
  }

  /** @param offset of the terminal's output behind the event. @throws Error when it is not on disk, and nothing of it is then */
  write(event: TapeEvent, offset = this.#offset): void {
    const file = this.#file ?? this.#open(event.time);
    this.#spool.claim(event.kind === 'output' ? event.bytes.byteLength + 64 : 256);
    file.append(event, offset);
    this.#offset = offset;
    if (file.length >= SLICE_BYTES) this.#close();
  }

  /** Closes the slice if it is old enough. */
  review(now: number): void {
    if (this.#file !== null && now - this.#openedAt >= SLICE_MS) this.#close();
  }

  /** Nothing follows. */
  end(time: number): void {
    this.#close();
    this.#recording.endedAt = new Date(time).toISOString();
    this.#keep();
    this.#closed();
  }

  /** Leaves it to the next runner. */
  leave(): void {
    this.#close();
  }

  #open(now: number): SliceFile {
    const { recordingId, next, previous, key } = this.#recording;
    this.#openedAt = now;
    return (this.#file = new SliceFile(this.#spool.pathOf(this.#recording, next), {
      address: { recordingId, slice: next },
      publicKey: key.publicKey,
      previous: previous === null ? null : Buffer.from(previous, 'hex'),
    }));
  }

  #close(): void {
    const file = this.#file;
    if (file === null || file.isEmpty) return;
    this.#file = null;
    const previous = Buffer.from(file.close()).toString('hex');
    Object.assign(this.#recording, { next: this.#recording.next + 1, previous, offset: this.#offset });
    this.#keep();
    this.#closed();
  }

  /** Where the disk is full, the next runner finds the slices themselves. */
  #keep(): void {
    try {
      this.#spool.keep(this.#recording);
    } catch {
      // said again by the next write
    }
  }
}
