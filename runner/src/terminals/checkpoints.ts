import { OutputScanner } from './output-scanner.ts';
import type { OutputRing } from '../channel/ring.ts';
import type { Screen, Screens, Step } from './screens/screens.ts';
import { SizeHistory, type Resize } from './size-history.ts';
import type { Size } from './size.ts';

const KIB = 1024;
/** output is looked through in such pieces, and can be joined at the end of each */
const PIECE = 64 * KIB;
/** output between two screens that are kept */
const BETWEEN_SCREENS = 256 * KIB;
/** More output than this is never drawn at once: of a flood only the last `DRAWN` is. */
const FLOOD = 512 * KIB;
const DRAWN = 128 * KIB;
/** how far behind the end the latest checkpoint may be */
const NEAR = 64 * KIB;
/** Screens that nobody asked for take at most a fifth of the time. */
const REST = 4;
/** ends whatever sequence the drawing stopped in, and the attributes it stopped with */
const ANEW = new Uint8Array([...'\x18\x1b[m'].map((char) => char.charCodeAt(0)));

/** From where a terminal can be shown without what came before. */
export interface Checkpoint extends Size {
  /** the output from here on follows the state */
  offset: number;
  /** output that brings a fresh terminal of this size to its state at the offset */
  state: Uint8Array;
}

/** A place to cut the output: the modes at it are known, the screen only now and then. */
interface Cut {
  readonly offset: number;
  readonly modes: Uint8Array<ArrayBuffer>;
  screen: (Size & { state: Uint8Array }) | null;
}

export interface CheckpointsOptions {
  ring: OutputRing;
  size: Size;
  screens: Screens;
  /** in milliseconds, from anywhere */
  now?: () => number;
}

/**
 * Where one terminal's output can be joined. Nothing is drawn while little is written: once every 256 KiB, and when asked.
 * In a flood most output is only looked through for modes: until a program draws them again, parts of the screen that it
 * does not scroll may be old in a latest checkpoint and missing in an oldest one, and a colour that it selected before is not.
 */
export class Checkpoints {
  readonly #ring: OutputRing;
  readonly #screens: Screens;
  readonly #now: () => number;
  readonly #sizes: SizeHistory;
  readonly #scanner: OutputScanner;
  #cuts: Cut[] = [];
  #screen: Screen | null = null;
  /** what the screen has drawn ends here */
  #drawn = 0;
  #work: Promise<void> | null = null;
  #restUntil = -Infinity;
  #isClosed = false;

  constructor({ ring, size, screens, now = () => performance.now() }: CheckpointsOptions) {
    this.#ring = ring;
    this.#screens = screens;
    this.#now = now;
    this.#sizes = new SizeHistory(size);
    this.#scanner = new OutputScanner(ring.start);
    this.#mark();
  }

  /** The ring has grown. */
  output(): void {
    if (this.#ring.end - this.#scanner.end < PIECE) return;
    this.#scan();
    const drawn = this.#cuts.findLast((cut) => cut.screen !== null)?.offset ?? this.#ring.start;
    const isDue = (this.#scanner.clean ?? 0) - drawn >= BETWEEN_SCREENS;
    if (isDue && this.#work === null && this.#now() >= this.#restUntil) void this.#draw();
  }

  /** @param offset of the output that is the first for the new size */
  resized(offset: number, size: Size): void {
    this.#sizes.add(offset, size);
  }

  /** The sizes to be set when the output from a checkpoint or another offset on is shown. */
  resizesFrom(offset: number): Resize[] {
    return this.#sizes.from(offset);
  }

  /** The size for which the output at that offset is. */
  sizeAt(offset: number): Size {
    return this.#sizes.at(offset);
  }

  /** The checkpoint before which the least of the kept output lies; null while there is none. */
  oldest(): Checkpoint | null {
    this.#scan();
    const [first] = this.#cuts;
    if (first === undefined) return null;
    const drawn = this.#cuts.find((cut) => cut.screen !== null);
    const isNear = drawn !== undefined && drawn.offset - first.offset <= FLOOD;
    return this.#checkpoint(isNear && first.offset > 0 ? drawn : first);
  }

  /** A checkpoint at most 64 KiB before what is the end of the output now; without its screen only if that can't be drawn. */
  async latest(): Promise<Checkpoint> {
    this.#scan();
    const wanted = this.#scanner.clean ?? this.#ring.end;
    let found = this.#drawnSince(wanted);
    // a drawing that runs already may end before what is wanted
    for (let tries = 0; found === undefined && tries < 2; tries++) {
      await this.#draw();
      found = this.#drawnSince(wanted - NEAR);
    }
    this.#scan();
    found ??= this.#cuts.at(-1);
    if (found !== undefined) return this.#checkpoint(found);
    return { offset: this.#ring.end, ...this.#sizes.at(this.#ring.end), state: new Uint8Array() };
  }

  /** No output follows. Checkpoints can still be asked for. */
  close(): void {
    this.#isClosed = true;
    if (this.#work === null) this.#free();
  }

  #checkpoint({ offset, modes, screen }: Cut): Checkpoint {
    return { offset, ...(screen ?? { ...this.#sizes.at(offset), state: modes }) };
  }

  #drawnSince(offset: number): Cut | undefined {
    const least = Math.max(offset, this.#ring.start);
    return this.#cuts.findLast((cut) => cut.screen !== null && cut.offset >= least);
  }

  #scan(): void {
    const { start, end } = this.#ring;
    if (this.#scanner.end < start) this.#scanner.skipTo(start);
    for (let from = -1; from < this.#scanner.end && this.#scanner.end < end;) {
      from = this.#scanner.end;
      this.#scanner.scan(this.#ring.read(from, PIECE));
      this.#mark();
    }
    const kept = this.#cuts.findIndex((cut) => cut.offset >= start);
    if (kept !== 0) this.#cuts = kept < 0 ? [] : this.#cuts.slice(kept);
    this.#sizes.forget(start);
  }

  #mark(): void {
    const { clean, modes } = this.#scanner;
    if (clean === null || clean < (this.#cuts.at(-1)?.offset ?? -PIECE) + PIECE) return;
    this.#cuts.push({ offset: clean, modes, screen: null });
  }

  #draw(): Promise<void> {
    this.#work ??= this.#drawNow().finally(() => (this.#work = null));
    return this.#work;
  }

  async #drawNow(): Promise<void> {
    const begun = this.#now();
    const isNew = this.#screen === null;
    const screen = (this.#screen ??= this.#screens.open(this.#sizes.at(this.#ring.end)));
    let cut: (Cut & Size) | null = null;
    const state = await screen.advance(() => {
      this.#scan();
      const { clean, modes } = this.#scanner;
      const steps = clean === null ? null : this.#steps(clean, isNew);
      if (clean !== null && steps !== null) cut = { offset: clean, modes, screen: null, ...this.#sizes.at(clean) };
      return steps ?? [];
    });
    this.#drew(cut, state);
    if (this.#isClosed) this.#free();
    this.#restUntil = this.#now() + REST * (this.#now() - begun);
  }

  /** @param state null when drawing failed: the next one begins anew */
  #drew(cut: (Cut & Size) | null, state: Uint8Array | null): void {
    if (cut === null || state === null) return this.#free();
    const { offset, modes, cols, rows } = cut;
    this.#drawn = offset;
    this.#cuts = this.#cuts.filter((other) => other.offset !== offset);
    const at = this.#cuts.findLastIndex((other) => other.offset < offset) + 1;
    this.#cuts.splice(at, 0, { offset, modes, screen: { cols, rows, state } });
  }

  #free(): void {
    this.#screen?.close();
    this.#screen = null;
  }

  /** What the screen has still to draw, or enough of it; null when the output can't be joined. */
  #steps(to: number, isNew: boolean): Step[] | null {
    const steps: Step[] = [];
    let from = this.#drawn;
    if (isNew || to - from > FLOOD || from < this.#ring.start) {
      const base = isNew ? (this.#drawnSince(to - FLOOD) ?? this.#cutSince(to - FLOOD)) : this.#cutSince(to - DRAWN - PIECE);
      if (base === undefined) return null;
      const { offset, cols, rows, state } = this.#checkpoint(base);
      steps.push({ cols, rows }, ...(base.screen === null ? [ANEW.slice()] : []), new Uint8Array(state));
      from = offset;
    }
    for (const { offset, cols, rows } of this.#sizes.from(from).filter((resize) => resize.offset <= to)) {
      steps.push(this.#ring.read(from, offset - from), { cols, rows });
      from = offset;
    }
    steps.push(this.#ring.read(from, to - from));
    return steps;
  }

  #cutSince(offset: number): Cut | undefined {
    return this.#cuts.find((cut) => cut.offset >= offset);
  }
}
