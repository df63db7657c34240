import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import {
  appendLeaf,
  EMPTY_FRONTIER,
  isFrontier,
  leafHash,
  rootOf,
  sameHash,
  verifyInclusion,
  type Frontier,
  type Sha256,
} from './merkle.ts';
import { NoteFaulty, parseNote, type Verifier } from './note.ts';
import { LineReader, type ExportLine, type Read } from './export-lines.ts';
import type { ProofLine } from './proof-lines.ts';
import type { Fault, FaultKind, Verdict } from './verdict.ts';

export interface VerifyOptions {
  sha256: Sha256;
  verifiers: readonly Verifier[];
  /** signed notes that the verifier holds besides: the log must lead to each of them */
  checkpoints?: readonly string[];
  /** the log must begin with its first event */
  whole?: boolean;
}

const ERASED_NAMED = 20;

type Entry = Extract<ProofLine, { kind: 'event' | 'erased' }>;

class Found extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

/**
 * Verifies an export with nothing but itself and the public keys, and names the first event that is not as it was
 * recorded. Reads it once, and keeps no more of it than a block of leaf hashes.
 */
export async function verifyExport(lines: AsyncIterable<ExportLine>, options: VerifyOptions): Promise<Verdict> {
  const run = new Run(new LineReader(lines), options);
  try {
    await run.check();
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    run.verdict.fault = error.fault;
  }
  run.verdict.ok = run.verdict.fault === null;
  return run.verdict;
}

class Run {
  readonly verdict: Verdict = {
    ok: false,
    origin: null,
    kind: 'log',
    first: null,
    last: null,
    events: 0,
    erased: { count: 0, seqs: [] },
    provenTo: 0,
    unrecognised: 0,
    fault: null,
  };
  readonly #lines: LineReader;
  readonly #options: VerifyOptions;
  /** what the events so far lead to; null before it is known where they begin */
  #tree: Frontier | null = null;
  /** believed checkpoints that the events have yet to lead to, by size; in a selection all */
  readonly #ahead = new Map<number, { checkpoint: Checkpoint; at: ExportLine | null }>();
  /** what the leaves that follow are said to be; believed once it leads to a believed checkpoint */
  #said: { before: Frontier; hashes: Uint8Array; believed: boolean | null } | null = null;

  constructor(lines: LineReader, options: VerifyOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  async check(): Promise<void> {
    for (const note of this.#options.checkpoints ?? []) await this.#checkpoint(note, null);
    for (let read = await this.#lines.next(); read !== null; read = await this.#lines.next()) {
      switch (read.kind) {
        case 'checkpoint':
          await this.#checkpoint(read.note, read.at);
          break;
        case 'before':
          if (this.#tree === null && this.verdict.kind === 'log') this.#begin(read.frontier, read.at);
          break;
        case 'leaves':
          this.#leaves(read);
          break;
        case 'proof':
          throw this.#fault('unproven', read.seq, 'A proof stands where no event is', read.at);
        default:
          await this.#entry(read);
      }
    }
    this.#end();
  }

  #fault(kind: FaultKind, seq: number | null, message: string, at: ExportLine | null): Found {
    return new Found({ kind, seq, message, file: at?.file ?? null, line: at?.line ?? null });
  }

  /** A checkpoint that a given key signed is one that the events must lead to. Others mean nothing to us. */
  async #checkpoint(note: string, at: ExportLine | null): Promise<void> {
    const checkpoint = await this.#open(note, at);
    if (!checkpoint) return;
    const { size, root, origin } = checkpoint;
    this.verdict.origin ??= origin;
    if (this.verdict.origin !== origin)
      throw this.#fault('checkpoint', null, `A checkpoint is of another log, ${origin}, than ${this.verdict.origin}`, at);
    const there = this.#ahead.get(size);
    if (there && !sameHash(there.checkpoint.root, root))
      throw this.#fault('checkpoint', null, `Two signed checkpoints of ${size} events contradict each other`, at);
    this.#ahead.set(size, { checkpoint, at });
    if (this.verdict.kind === 'selection' || this.#tree === null) return;
    if (size < this.#tree.size) throw this.#fault('checkpoint', null, `The checkpoint of ${size} events comes too late to be compared`, at);
    this.#compare(this.#tree);
  }

  async #open(note: string, at: ExportLine | null): Promise<Checkpoint | null> {
    const { verifiers } = this.#options;
    try {
      const known = parseNote(note).signatures.some(({ name, keyId }) =>
        verifiers.some((each) => each.name === name && each.keyId === keyId),
      );
      if (known) return await openCheckpoint(note, verifiers);
      this.verdict.unrecognised++;
      return null;
    } catch (error) {
      if (error instanceof NoteFaulty) throw this.#fault('checkpoint', null, `A checkpoint was altered: ${error.message}`, at);
      throw error;
    }
  }

  #begin(frontier: Frontier, at: ExportLine | null): Frontier {
    if (!isFrontier(frontier)) throw this.#fault('malformed', null, 'What stands before the first event is no tree', at);
    this.verdict.provenTo = frontier.size;
    this.#tree = frontier;
    this.#compare(frontier);
    return frontier;
  }

  #leaves({ first, hashes }: Extract<ProofLine, { kind: 'leaves' }>): void {
    const before = this.#tree ?? EMPTY_FRONTIER;
    if (this.verdict.kind === 'log' && first === before.size + 1) this.#said = { before, hashes, believed: null };
  }

  async #entry(read: Read): Promise<void> {
    const next = this.#tree === null ? await this.#lines.peek() : null;
    if (this.verdict.kind === 'selection' || next?.kind === 'proof') return this.#selected(read);
    const tree = this.#tree ?? this.#begin(EMPTY_FRONTIER, null);
    const expected = tree.size + 1;
    if (!isEntry(read) || read.seq !== expected) throw await this.#deviation(read, expected);
    const leaf = this.#leafOf(read);
    const said = this.#saidOf(expected);
    if (said && !sameHash(said, leaf)) {
      if (this.#areBelieved()) throw await this.#deviation(read, expected);
      this.#said = null;
    }
    this.#count(read);
    this.#tree = appendLeaf(this.#options.sha256, tree, leaf);
    this.#compare(this.#tree);
  }

  #leafOf(entry: Entry): Uint8Array {
    const { sha256 } = this.#options;
    return entry.kind === 'erased' ? entry.leaf : leafHash(sha256, sha256(entry.salt, entry.body));
  }

  #count(entry: Entry): void {
    const { verdict } = this;
    verdict.first ??= entry.seq;
    verdict.last = entry.seq;
    verdict.events++;
    if (entry.kind === 'erased' && verdict.erased.count++ < ERASED_NAMED) verdict.erased.seqs.push(entry.seq);
  }

  /** Whether the events so far lead to the checkpoint of just so many, if there is one. */
  #compare(tree: Frontier): void {
    const expected = this.#ahead.get(tree.size);
    if (!expected) return;
    const { verdict } = this;
    if (!sameHash(rootOf(this.#options.sha256, tree), expected.checkpoint.root)) {
      const from = verdict.provenTo + 1;
      if (from > tree.size)
        throw this.#fault('checkpoint', null, 'What stands before the first event does not lead to the checkpoint', null);
      const which = from === tree.size ? `Event ${from}` : `One of the events ${from} to ${tree.size}`;
      const unsaid = from === tree.size ? '' : ', and nothing here tells which';
      throw this.#fault('altered', from, `${which} is not as it was recorded${unsaid}`, expected.at);
    }
    verdict.provenTo = tree.size;
    this.#ahead.delete(tree.size);
  }

  #saidOf(seq: number): Uint8Array | null {
    if (!this.#said) return null;
    const at = (seq - 1 - this.#said.before.size) * 32;
    return at >= 0 && at < this.#said.hashes.length ? this.#said.hashes.subarray(at, at + 32) : null;
  }

  /** The leaf hashes came with the export and may be altered, too: they are believed if they lead to a signed root. */
  #areBelieved(): boolean {
    if (!this.#said) return false;
    if (this.#said.believed === null) {
      const { sha256 } = this.#options;
      let tree = this.#said.before;
      for (let at = 0; at < this.#said.hashes.length; at += 32) tree = appendLeaf(sha256, tree, this.#said.hashes.subarray(at, at + 32));
      const expected = this.#ahead.get(tree.size);
      this.#said.believed = expected !== undefined && sameHash(rootOf(sha256, tree), expected.checkpoint.root);
    }
    return this.#said.believed;
  }

  /** What it means that another line stands where an event was expected; those that follow tell. */
  async #deviation(read: Read, expected: number): Promise<Found> {
    const said = this.#areBelieved() ? this.#saidOf(expected) : null;
    const isExpected = (other: Read | null) =>
      other !== null && isEntry(other) && other.seq === expected && (said === null || sameHash(this.#leafOf(other), said));
    const next = await this.#lines.peek();
    if (!isEntry(read) || read.seq === expected) {
      if (isExpected(next))
        return this.#fault('inserted', expected, `A line that was never recorded stands before event ${expected}`, read.at);
      if (isEntry(read)) return this.#fault('altered', expected, `Event ${expected} is not as it was recorded`, read.at);
      return this.#fault('malformed', expected, `The line of event ${expected} was altered: ${whyNone(read)}`, read.at);
    }
    const comesLater = await this.#comesLater(isExpected);
    if (read.seq < expected && (comesLater || this.verdict.first === null))
      return this.#fault('duplicate', read.seq, `Event ${read.seq} stands where event ${expected} belongs`, read.at);
    if (comesLater)
      return this.#fault('moved', expected, `Event ${expected} is out of its place: event ${read.seq} stands before it`, read.at);
    const isDue = Math.max(...this.#ahead.keys()) >= expected;
    const replaced = next === null ? read.seq < expected && isDue : isEntry(next) && next.seq === expected + 1;
    if (replaced)
      return this.#fault('altered', expected, `In the place of event ${expected} stands one with the number ${read.seq}`, read.at);
    if (read.seq < expected) return this.#fault('duplicate', read.seq, `Event ${read.seq} stands where event ${expected} belongs`, read.at);
    return this.#missing(expected, read.seq - 1, read.at);
  }

  async #comesLater(isExpected: (read: Read) => boolean): Promise<boolean> {
    for (let other = await this.#lines.next(); other !== null; other = await this.#lines.next()) if (isExpected(other)) return true;
    return false;
  }

  #missing(from: number, to: number, at: ExportLine | null): Found {
    return this.#fault('missing', from, from === to ? `Event ${from} is missing` : `The events ${from} to ${to} are missing`, at);
  }

  /** An event that is vouched for by its own proof, on the line behind it. */
  async #selected(read: Read): Promise<void> {
    const { verdict } = this;
    verdict.kind = 'selection';
    const after = verdict.last ?? 0;
    if (!isEntry(read)) throw this.#fault('malformed', after + 1, `The line behind event ${after} was altered: ${whyNone(read)}`, read.at);
    if (read.seq <= after)
      throw this.#fault(read.seq === after ? 'duplicate' : 'moved', read.seq, `Event ${read.seq} stands behind event ${after}`, read.at);
    const next = await this.#lines.peek();
    if (next?.kind !== 'proof' || next.seq !== read.seq) throw this.#fault('unproven', read.seq, `Event ${read.seq} has no proof`, read.at);
    await this.#lines.next();
    const expected = this.#ahead.get(next.size);
    if (!expected)
      throw this.#fault('unproven', read.seq, `No believed checkpoint of ${next.size} events stands before event ${read.seq}`, read.at);
    const claim = { index: read.seq - 1, size: next.size, leaf: this.#leafOf(read), root: expected.checkpoint.root, proof: next.hashes };
    if (!verifyInclusion(this.#options.sha256, claim))
      throw this.#fault('altered', read.seq, `Event ${read.seq} or its proof is not as it was recorded`, read.at);
    this.#count(read);
    verdict.provenTo = Math.max(verdict.provenTo, next.size);
  }

  #end(): void {
    const { verdict } = this;
    if (this.#options.whole && verdict.first !== null && (verdict.kind === 'selection' || verdict.first !== 1)) {
      if (verdict.kind === 'selection') throw this.#fault('missing', null, 'This is a selection of events, not the whole log', null);
      throw this.#missing(1, verdict.first - 1, null);
    }
    if (verdict.kind === 'selection') return;
    const size = this.#tree?.size ?? 0;
    const newest = Math.max(0, ...this.#ahead.keys());
    if (newest > size) throw this.#missing(size + 1, newest, null);
    for (const passed of this.#ahead.keys())
      throw this.#fault(
        'checkpoint',
        null,
        `The checkpoint of ${passed} events lies before the first event here and can’t be compared`,
        null,
      );
    if (verdict.first !== null && size > verdict.provenTo) throw this.#unproven(verdict.provenTo + 1, size);
    if (verdict.origin === null) throw this.#unproven(1, 1);
  }

  #unproven(from: number, to: number): Found {
    const others = this.verdict.unrecognised > 0 ? ': its checkpoints were signed by other keys' : '';
    const which =
      this.verdict.first === null
        ? 'There is no event and no checkpoint'
        : `No checkpoint that you trust covers the events ${from} to ${to}`;
    return this.#fault('unproven', this.verdict.first === null ? null : from, `${which}${others}`, null);
  }
}

const isEntry = (read: Read): read is Entry & { at: ExportLine } => read.kind === 'event' || read.kind === 'erased';
const whyNone = (read: Read): string => (read.kind === 'faulty' ? read.why : 'it holds no event');
