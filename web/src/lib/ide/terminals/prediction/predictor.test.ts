import { describe, expect, it } from 'vitest';
import { PATIENCE_MS } from './predictor.ts';
import { FarTerminal } from './testing/far-terminal.ts';
import { ERASE, HOME, LEFT, proved, RIGHT, run, shell, UP } from './testing/prompt.ts';

describe('at a prompt that echoes', () => {
  it('shows nothing until the first key came back, and every further key at once', () => {
    const far = new FarTerminal(shell());
    far.press('e');
    expect(far.seen).toBe('$ |');
    far.press('c');
    far.settle();
    expect(far.seen).toBe('$ ec|');
    far.type('ho');
    expect(far.seen).toBe('$ echo|');
    expect(far.surface.text).toBe('$ ec');
  });

  it('shows what is still under way as soon as the first key came back', () => {
    const far = new FarTerminal(shell());
    far.press('e');
    far.clock.advance(100);
    far.press('c');
    far.clock.advance(100);
    expect(far.seen).toBe('$ ec|');
    expect(far.surface.text).toBe('$ e');
  });

  it('takes a prediction away when its echo came, and the screen is the real one', () => {
    const far = proved();
    far.type('cho ab');
    far.settle();
    expect(far.prediction).toBeNull();
    expect(far.surface.text).toBe('$ echo ab');
  });

  it('erases, but never the prompt', () => {
    const far = proved();
    far.type('cx');
    far.press(ERASE);
    expect(far.seen).toBe('$ ec|');
    far.press(ERASE);
    far.press(ERASE);
    expect(far.seen).toBe('$ |');
    far.press(ERASE);
    expect(far.seen).toBe('$ |');
    far.settle();
    expect(far.seen).toBe('$ |');
    expect(far.surface.text).toBe('$');
  });

  it('moves within what was typed, inserts and erases there', () => {
    const far = proved();
    far.type('hoo');
    for (const key of [LEFT, LEFT, LEFT, 'c', RIGHT, RIGHT, RIGHT, ERASE]) far.press(key);
    expect(far.seen).toBe('$ echo|');
    far.press(LEFT);
    expect(far.seen).toBe('$ ech|o');
    far.settle();
    expect(far.prediction).toBeNull();
    expect(far.seen).toBe('$ ech|o');
  });

  it('leaves what was typed in sight when Enter follows before the echo', () => {
    const far = proved();
    far.type('cho\r');
    expect(far.seen).toBe('$ echo|');
    far.settle();
    expect(far.prediction).toBeNull();
    expect(far.surface.text).toBe('$ echo\necho: ran\n$');
  });

  it('pushes along what stands right of the cursor, once a key has shown that the shell does', () => {
    const far = proved();
    run(far, 'cho b');
    far.press(UP);
    far.press(HOME);
    far.settle();
    expect(far.seen).toBe('$ |echo b');
    far.press('x');
    far.settle();
    far.type('yz');
    expect(far.seen).toBe('$ xyz|echo b');
    far.settle();
    expect(far.prediction).toBeNull();
    expect(far.seen).toBe('$ xyz|echo b');
  });

  it('draws over what the shell only suggests', () => {
    const far = proved();
    far.arrive('cho hello\b\b\b\b\b\b\b\b\b');
    far.type('xp');
    expect(far.seen).toBe('$ exp|o hello');
  });

  it('knows letters of one column, and guesses nothing wider or combining', () => {
    const far = proved();
    far.type('éжω');
    expect(far.seen).toBe('$ eéжω|');
    far.press('日');
    far.press('x');
    expect(far.seen).toBe('$ eéжω|');
  });

  it('stops before the last column, where terminals differ', () => {
    const far = proved(200, 8);
    far.type('chooooo');
    expect(far.seen).toBe('$ echoo|');
    far.settle();
    expect(far.prediction).toBeNull();
    expect(far.surface.text).toBe('$ echooo\noo');
  });

  it('finds its place again when a whole command was typed ahead', () => {
    const far = proved();
    far.type('cho\rls');
    far.settle();
    far.press('x');
    far.settle();
    far.type('y');
    expect(far.seen).toBe('$ lsxy|');
  });

  it('finds its place behind typed keys that the shell repeats after its prompt', () => {
    const far = proved();
    for (const key of '\rls') far.predictor.typed(key);
    far.arrive('\r\nran\r\n$ ls');
    far.predictor.typed('x');
    far.arrive('x');
    far.predictor.typed('y');
    expect(far.seen).toBe('$ lsxy|');
  });

  it('knows keys that came back together, though they undid each other', () => {
    const far = proved();
    far.predictor.typed('x');
    far.predictor.typed(ERASE);
    far.arrive('x\b \b');
    expect(far.prediction).toBeNull();
    far.clock.advance(far.roundTrip + PATIENCE_MS);
    far.predictor.typed('c');
    expect(far.seen).toBe('$ ec|');
  });

  it('finds its place while somebody types on without a pause', () => {
    const far = proved();
    let ahead = 0;
    for (const key of 'cho\rgit commit -m ok') {
      far.press(key);
      far.clock.advance(70);
      if (far.prediction !== null) ahead += 1;
    }
    expect(far.seen).toBe('$ git commit -m ok|');
    expect(ahead).toBeGreaterThan(12);
  });
});

describe('epochs', () => {
  it.each([
    ['Enter', '\r'],
    ['a control character', '\x03'],
    ['Tab', '\t'],
    ['a paste', 'pasted'],
    ['a bracketed paste', '\x1b[200~pasted\x1b[201~'],
  ])('end with %s: what follows stays hidden until one of it came back', (_name, key) => {
    const far = proved();
    far.press(key);
    const before = far.seen;
    far.press('x');
    expect(far.seen).toBe(before);
    far.settle();
    far.press('y');
    far.settle();
    far.clock.advance(PATIENCE_MS);
    far.press('z');
    far.settle();
    far.press('!');
    expect(far.seen).toMatch(/yz!\|$/);
  });

  it('end when a prediction was wrong: all of them are withdrawn at once', () => {
    const far = proved();
    far.type('cho');
    expect(far.seen).toBe('$ echo|');
    far.arrive('\r\nMessage from root\r\n');
    expect(far.prediction).toBeNull();
    far.press('x');
    expect(far.prediction).toBeNull();
  });

  it('end when the program prints something of its own while nothing is typed', () => {
    const far = proved();
    far.arrive('\r\nPassword: ');
    far.type('secret');
    expect(far.prediction).toBeNull();
  });

  it('end when the line is shown again on another row', () => {
    const far = proved();
    far.arrive('\r\n$ e');
    far.press('x');
    expect(far.prediction).toBeNull();
  });

  it('are not ended by what the terminal answers to a program by itself', () => {
    const far = proved();
    for (const report of ['\x1b[?62;4c', '\x1b[12;40R', '\x1b[I', '\x1b]11;rgb:00/00/00\x1b\\']) far.predictor.typed(report);
    far.press('c');
    expect(far.seen).toBe('$ ec|');
  });
});

describe('is marked as doubtful', () => {
  it('far away', () => {
    const near = proved(100);
    near.press('x');
    expect(near.prediction?.doubtful).toBe(false);
    const far = proved(200);
    far.press('x');
    expect(far.prediction?.doubtful).toBe(true);
  });

  it('when an echo is late', () => {
    const far = proved(100);
    far.predictor.typed('x');
    far.clock.advance(250);
    expect(far.prediction?.doubtful).toBe(true);
  });
});
