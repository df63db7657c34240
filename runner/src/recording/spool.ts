import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readRecords, recordingKey, SLICE_HEAD_BYTES } from '@gatehouse/core/protocol/recording.ts';
import { z } from 'zod';
import { writeAtomically } from '../state/atomic-file.ts';

/** of all recordings that wait for the service */
const MOST_BYTES = 256 * 1024 * 1024;

const facts = z.object({
  recordingId: z.string(),
  workspaceId: z.string(),
  terminalId: z.string(),
  title: z.string(),
  key: recordingKey,
  startedAt: z.string(),
  /** number of the slice that is being written; those before are closed */
  next: z.number().int(),
  /** hash of the slice before it, hex; null: it is the first */
  previous: z.string().nullable(),
  /** slices that the service has */
  stored: z.number().int(),
  /** offset of the terminal's output up to which the closed slices go */
  offset: z.number().int(),
  endedAt: z.string().nullable(),
});
export type SpooledRecording = z.infer<typeof facts>;

/** What is recorded and not yet with the service, on this machine's disk. Nobody can read it here: its keys are forgotten. */
export class Spool {
  readonly #root: string;
  readonly #most: number;
  #bytes = 0;
  readonly #all = new Map<string, SpooledRecording>();

  constructor(root: string, most = MOST_BYTES) {
    this.#root = root;
    this.#most = most;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(root)) this.#load(name);
  }

  get recordings(): SpooledRecording[] {
    return [...this.#all.values()];
  }

  /** of what waits for the service */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws Error when what waits for the service is too much already */
  claim(bytes: number): void {
    if (this.#bytes + bytes > this.#most)
      throw new Error(`${Math.round(this.#most / 1024 / 1024)} MB of recordings wait for the service, which does not take them`);
    this.#bytes += bytes;
  }

  /** One that an earlier runner began and did not end. */
  unfinished(workspaceId: string, terminalId: string): SpooledRecording | undefined {
    return this.recordings.find((each) => each.endedAt === null && each.workspaceId === workspaceId && each.terminalId === terminalId);
  }

  /** @throws Error of the file system */
  begin(recording: Omit<SpooledRecording, 'next' | 'previous' | 'stored' | 'offset' | 'endedAt'>): SpooledRecording {
    const begun = { ...recording, next: 0, previous: null, stored: 0, offset: 0, endedAt: null };
    mkdirSync(join(this.#root, begun.recordingId), { mode: 0o700 });
    try {
      this.keep(begun);
    } catch (error) {
      this.remove(begun);
      throw error;
    }
    this.#all.set(begun.recordingId, begun);
    return begun;
  }

  /** Keeps what has changed. @throws Error of the file system */
  keep(recording: SpooledRecording): void {
    writeAtomically(join(this.#root, recording.recordingId, 'recording.json'), JSON.stringify(recording));
  }

  pathOf(recording: SpooledRecording, slice: number): string {
    return join(this.#root, recording.recordingId, `${slice}.slice`);
  }

  /** The whole records of a closed slice. */
  read(recording: SpooledRecording, slice: number): Uint8Array {
    const bytes = readFileSync(this.pathOf(recording, slice));
    return bytes.subarray(0, readRecords(bytes).end);
  }

  /** The service has it. */
  stored(recording: SpooledRecording, slice: number): void {
    recording.stored = slice + 1;
    this.keep(recording);
    const path = this.pathOf(recording, slice);
    if (!existsSync(path)) return;
    this.#bytes = Math.max(0, this.#bytes - statSync(path).size);
    rmSync(path);
  }

  remove(recording: SpooledRecording): void {
    this.#all.delete(recording.recordingId);
    rmSync(join(this.#root, recording.recordingId), { recursive: true, force: true });
  }

  /** What was being written when an earlier runner ended is closed as far as it is whole. */
  #load(name: string): void {
    const path = join(this.#root, name, 'recording.json');
    if (!existsSync(path)) return rmSync(join(this.#root, name), { recursive: true, force: true });
    const recording = facts.parse(JSON.parse(readFileSync(path, 'utf8')));
    this.#all.set(recording.recordingId, recording);
    for (let slice = recording.stored; existsSync(this.pathOf(recording, slice)); slice++) {
      if (slice >= recording.next && !this.#closeOpen(recording, this.pathOf(recording, slice))) return;
      this.#bytes += statSync(this.pathOf(recording, slice)).size;
    }
  }

  /** @returns whether there is anything in it */
  #closeOpen(recording: SpooledRecording, file: string): boolean {
    const bytes = readFileSync(file);
    const last = bytes.byteLength < SLICE_HEAD_BYTES ? undefined : readRecords(bytes).records.at(-1);
    if (last === undefined) {
      rmSync(file);
      return false;
    }
    const hash = createHash('sha256')
      .update(bytes.subarray(0, readRecords(bytes).end))
      .digest('hex');
    Object.assign(recording, { next: recording.next + 1, previous: hash, offset: last.offset });
    this.keep(recording);
    return true;
  }
}
