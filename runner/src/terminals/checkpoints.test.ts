import { describe, expect, it } from 'vitest';
import { follow } from '../../test/support/follow.ts';
import { randomStep, seededRoll } from '../../test/support/random-output.ts';
import { isFaithful, pictureOf } from '../../test/support/screen-picture.ts';
import { Checkpoints } from './checkpoints.ts';
import { OutputRing } from '../channel/ring.ts';
import { makeHeadless, makeLocalScreens, play } from './screens/headless-screen.ts';
import type { Screens, Step } from './screens/screens.ts';
import type { Size } from './size.ts';

const size = { cols: 80, rows: 24 };
const local = makeLocalScreens();
const encode = (text: string) => new TextEncoder().encode(text);

/** A terminal whose output is kept as the runner does, beside one that sees everything. */
function setUp({ screens = local, first = size, most = 2 * 1024 * 1024, now = () => 0 } = {}) {
  const ring = new OutputRing(most);
  const checkpoints = new Checkpoints({ ring, size: first, screens, now });
  const whole = makeHeadless(first);
  const write = (output: string | Uint8Array<ArrayBuffer>) => {
    const bytes = typeof output === 'string' ? encode(output) : output;
    ring.append(bytes);
    checkpoints.output();
    play(whole, [bytes]);
  };
  const resize = (to: Size) => {
    checkpoints.resized(ring.end, to);
    play(whole, [to]);
  };
  return { ring, checkpoints, whole, write, resize };
}

/** Screens that count what they draw, and draw nothing before they are let. */
function watchedScreens(): { screens: Screens; drawn: () => number; let(draw: boolean): void } {
  let drawn = 0;
  let go: () => void = () => undefined;
  let may = Promise.resolve();
  const count = (steps: Step[]) => {
    for (const step of steps) if (step instanceof Uint8Array) drawn += step.byteLength;
    return steps;
  };
  const screens: Screens = {
    open: (first) => {
      const screen = local.open(first);
      return { advance: (take) => may.then(() => screen.advance(() => count(take()))), close: () => screen.close() };
    },
  };
  const set = (draw: boolean) => {
    go();
    if (!draw) may = new Promise((resolve) => (go = resolve));
  };
  return { screens, drawn: () => drawn, let: set };
}

/** Random output until there is so much of it, in pieces that end anywhere; `between` now and then. */
async function writeRandomly(seed: number, terminal: ReturnType<typeof setUp>, bytes: number, between: () => Promise<void>): Promise<void> {
  const roll = seededRoll(seed);
  const { write, resize, whole, ring } = terminal;
  let pending = '';
  const pass = () => {
    const output = encode(pending);
    for (let at = 0; at < output.length;) {
      const piece = output.slice(at, at + 1 + roll(40));
      write(piece);
      at += piece.length;
    }
    pending = '';
  };
  for (const end = ring.end + bytes; ring.end < end;) {
    const step = randomStep(roll, seed % 2 === 1);
    if (typeof step === 'string') pending += step;
    else {
      pending += '.';
      pass();
      // what a smaller full screen hides is not kept
      if (whole.buffer.active.type === 'normal') resize(step);
    }
    if (roll(20) > 0) continue;
    pass();
    await between();
  }
}

describe('checkpoints', () => {
  it('let anyone join at the end of whatever a program writes, and see what those see who were there', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const terminal = setUp({ first: { cols: 8 + seed, rows: 2 + (seed % 20) } });
      await writeRandomly(seed, terminal, 2500, async () => {
        const { checkpoints, ring, whole } = terminal;
        if (!isFaithful(whole)) return;
        const latest = await checkpoints.latest();
        expect(ring.end - latest.offset).toBeLessThan(40);
        expect(pictureOf(follow(latest, ring, checkpoints)), `seed ${seed} at ${ring.end}`).toEqual(pictureOf(whole));
      });
    }
  });

  it('let anyone join where the kept output begins', async () => {
    const terminal = setUp();
    const { checkpoints, ring, whole, write } = terminal;
    expect(checkpoints.oldest()).toEqual({ offset: 0, ...size, state: new Uint8Array() });
    for (let line = 0; ring.end < 3_000_000; line++) {
      write(`\x1b[3${line % 8}m${'some output of a build '.repeat(line % 5)}\x1b[m ${line}\r\n`.repeat(40));
      await Promise.resolve();
      if (line % 50 === 0) await writeRandomly(line, terminal, 300, () => Promise.resolve());
    }
    const oldest = checkpoints.oldest() ?? expect.fail('no checkpoint');
    expect(oldest.offset).toBeGreaterThanOrEqual(ring.start);
    expect(oldest.offset - ring.start).toBeLessThan(400_000);
    const joined = follow(oldest, ring, checkpoints);
    expect(pictureOf(joined)).toEqual(pictureOf(whole));
  });

  it('know the sizes of the output that is kept, and at which byte each began', async () => {
    const { checkpoints, write, resize } = setUp();
    write('one');
    resize({ cols: 100, rows: 30 });
    resize({ cols: 90, rows: 30 });
    write('two');
    resize({ cols: 70, rows: 20 });
    expect(checkpoints.resizesFrom(0)).toEqual([
      { offset: 0, cols: 80, rows: 24 },
      { offset: 3, cols: 100, rows: 30 },
      { offset: 3, cols: 90, rows: 30 },
      { offset: 6, cols: 70, rows: 20 },
    ]);
    expect(checkpoints.resizesFrom(3).map(({ cols }) => cols)).toEqual([90, 70]);
    expect(await checkpoints.latest()).toMatchObject({ offset: 5, cols: 90 });
    write('x'.repeat(3_000_000));
    checkpoints.oldest();
    expect(checkpoints.resizesFrom(0)).toEqual([{ offset: 6, cols: 70, rows: 20 }]);
  });

  it('draw nothing that nobody asked for while little is written, and of a flood only its end', async () => {
    const watched = watchedScreens();
    const { checkpoints, ring, whole, write } = setUp({ screens: watched.screens });
    write('\x1b[?2004h\x1b[?1h\x1b[?1002;1006h\x1b]2;a flood\x07\x1b(0\x1b[4 q');
    await Promise.resolve();
    expect(watched.drawn()).toBe(0);
    watched.let(false);
    const before = 3_000_000;
    while (ring.end < before) write(`${'y'.repeat(78)}\r\n`.repeat(100));
    write('\x1b[?1049h\x1b[?25l\x1b[2;20r');
    while (ring.end < 2 * before) write(`${'z'.repeat(78)}\r\n`.repeat(100));
    const oldest = checkpoints.oldest() ?? expect.fail('no checkpoint');
    expect(oldest.offset - ring.start).toBeLessThan(70_000);
    const latest = checkpoints.latest();
    watched.let(true);
    expect((await latest).offset).toBeGreaterThan(ring.end - 64 * 1024);
    expect(watched.drawn()).toBeLessThan(700_000);
    for (const checkpoint of [oldest, await latest]) {
      const { rows, modes, cursor, title, margins, charset } = pictureOf(follow(checkpoint, ring, checkpoints));
      expect({ modes, title, charset, margins, hidden: cursor[2], style: cursor[3] }).toEqual({
        modes: pictureOf(whole).modes,
        title: 'a flood',
        charset: '─',
        margins: [1, 19],
        hidden: true,
        style: 'underline',
      });
      expect(rows.slice(1, 20)).toEqual(pictureOf(whole).rows.slice(1, 20));
    }
  });

  it('begin behind the first line when the output is joined in its middle', () => {
    const ring = new OutputRing(64 * 1024);
    ring.append(encode(`${'x'.repeat(100_000)};31mrest of a line\r\n`));
    const checkpoints = new Checkpoints({ ring, size, screens: local });
    expect(checkpoints.oldest()).toMatchObject({ offset: ring.end, state: new Uint8Array() });
    const inOneLine = new OutputRing(64 * 1024);
    inOneLine.append(new Uint8Array(100_000).fill(0x78));
    expect(new Checkpoints({ ring: inOneLine, size, screens: local }).oldest()).toBeNull();
  });

  it('outlive screens that fail, and the program', async () => {
    let failing = false;
    const screens: Screens = {
      open: (first) => {
        const screen = local.open(first);
        return { ...screen, advance: (take) => (failing ? Promise.resolve(null) : screen.advance(take)), close: () => screen.close() };
      },
    };
    const { checkpoints, ring, whole, write } = setUp({ screens });
    write('\x1b[?2004h\x1b[32mgreen');
    await checkpoints.latest();
    write(' more');
    failing = true;
    expect(await checkpoints.latest()).toMatchObject({ offset: ring.end - 6 });
    failing = false;
    checkpoints.close();
    expect(pictureOf(follow(await checkpoints.latest(), ring, checkpoints))).toEqual(pictureOf(whole));
  });

  it('give up a sequence that does not end', async () => {
    const { checkpoints, ring, write } = setUp();
    write('before\x1b]52;c;');
    for (let index = 0; index < 20; index++) write('QUJD'.repeat(10_000));
    const latest = await checkpoints.latest();
    expect(latest.offset).toBeGreaterThan(ring.end - 320_000);
  });
});
