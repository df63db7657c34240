import { Transform, type TransformCallback } from 'node:stream';
import { printable } from './refusal.ts';

/** what is read ahead of a pack at most: some ten thousand refs */
const MOST_BYTES = 1024 * 1024;
const MOST_REFS = 50;
const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\0\n]+)/i;
/** says from where on the pusher's copy has no history; it moves no ref */
const SHALLOW = /^shallow [0-9a-f]+\n?$/i;

export interface PushedRefs {
  /** `old→new ref`, each id by its first 12 digits */
  refs: string[];
  /** those beyond these */
  more: number;
}

/**
 * Lets a push pass once its commands are known: pkt-lines of `old new ref` up to the first flush (gitprotocol-pack, “Reference
 * Update Request”). `known` says whether it may go on.
 */
export class PushCommands extends Transform {
  readonly #known: (refs: PushedRefs) => boolean;
  #head: Buffer | null = Buffer.alloc(0);

  constructor(known: (refs: PushedRefs) => boolean) {
    super();
    this.#known = known;
  }

  override _transform(piece: Buffer, _encoding: string, done: TransformCallback): void {
    if (this.#head === null) return done(null, piece);
    this.#head = Buffer.concat([this.#head, piece]);
    const lines = linesUntilFlush(this.#head);
    if (lines === 'broken' || (lines === 'more' && this.#head.length > MOST_BYTES)) return done(new Error('This is no push'));
    if (lines === 'more') return done();
    const whole = this.#head;
    this.#head = null;
    if (!this.#known(refsOf(lines))) return done(new Error('The push is refused'));
    done(null, whole);
  }

  override _flush(done: TransformCallback): void {
    // Git asks with four zeros alone whether it may push at all.
    done(this.#head === null || this.#head.length === 0 ? null : new Error('This is no push'));
  }
}

function linesUntilFlush(bytes: Buffer): string[] | 'more' | 'broken' {
  const lines: string[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const prefix = bytes.toString('latin1', at, at + 4);
    if (!/^[0-9a-f]{4}$/i.test(prefix)) return 'broken';
    const length = Number.parseInt(prefix, 16);
    if (length === 0) return lines;
    if (length < 4) return 'broken';
    if (at + length > bytes.length) return 'more';
    lines.push(bytes.toString('utf8', at + 4, at + length));
    at += length;
  }
  return 'more';
}

function refsOf(lines: readonly string[]): PushedRefs {
  // What is not understood is recorded as it stands, for the server may understand it.
  const all = lines
    .filter((line) => !SHALLOW.test(line))
    .map((line) => {
      const [, before = '', after = '', ref = ''] = COMMAND.exec(line) ?? [];
      return ref === '' ? printable(line.trimEnd()).slice(0, 200) : `${before.slice(0, 12)}→${after.slice(0, 12)} ${printable(ref)}`;
    });
  return { refs: all.slice(0, MOST_REFS), more: Math.max(0, all.length - MOST_REFS) };
}
