import { describe, expect, it } from 'vitest';
import { PATIENCE_MS } from './predictor.ts';
import { FarTerminal } from './testing/far-terminal.ts';
import { FullScreen, Secret, Shell, Shouting } from './testing/programs.ts';

const LEFT = '\x1b[D';
const RIGHT = '\x1b[C';
const UP = '\x1b[A';
const ERASE = '\x7f';
const HOME = '\x01';

const shell = () =>
  new Shell({
    sudo: (back) => new Secret(back),
    stars: (back) => new Secret(back, '*'),
    vim: (back) => new FullScreen(back),
    shout: () => new Shouting(),
  });

/** A shell at whose prompt one key was typed and echoed: the epoch is proved. */
function proved(roundTrip = 200, cols = 80): FarTerminal {
  const far = new FarTerminal(shell(), roundTrip, cols);
  far.press('e');
  far.settle();
  return far;
}

/** Runs a command and waits for what it prints. */
function run(far: FarTerminal, command: string): void {
  far.type(`${command}\r`);
  far.settle();
}

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

  it('are not ended by what the terminal answers to a program by itself', () => {
    const far = proved();
    for (const report of ['\x1b[?62;4c', '\x1b[12;40R', '\x1b[I', '\x1b]11;rgb:00/00/00\x1b\\']) far.predictor.typed(report);
    far.press('c');
    expect(far.seen).toBe('$ ec|');
  });
});

describe('where the program does not echo', () => {
  it.each(['sudo', 'stars'])('shows nothing of a password: %s', (command) => {
    const far = proved();
    far.press(ERASE);
    run(far, command);
    expect(far.seen).toBe('Password: |');
    far.onLook = () => expect(far.prediction).toBeNull();
    for (const key of '*hunter2 x*y') {
      far.press(key);
      far.clock.advance(90);
    }
    far.press('\r');
    far.settle();
    expect(far.seen).toBe('$ |');
  });

  it('shows nothing of a password that is typed before its prompt', () => {
    const far = proved();
    far.press(ERASE);
    far.type('sudo\r');
    const before = far.seen;
    for (const key of 'Password') far.press(key);
    expect(far.seen).toBe(before);
    const commandRow = far.surface.row;
    far.onLook = () => expect(far.prediction?.row ?? commandRow).toBe(commandRow);
    far.settle();
    far.type('more');
    far.clock.advance(5_000);
  });

  it('withdraws what did not come back: echo can end without a sign', () => {
    const far = proved();
    far.predictor.typed('x');
    expect(far.seen).toBe('$ ex|');
    far.clock.advance(far.roundTrip + PATIENCE_MS);
    expect(far.prediction).toBeNull();
    far.predictor.typed('y');
    expect(far.prediction).toBeNull();
  });

  it('shows nothing where other characters come back', () => {
    const far = proved();
    far.press(ERASE);
    run(far, 'shout');
    far.onLook = () => expect(far.prediction).toBeNull();
    for (const key of 'hello') {
      far.press(key);
      far.clock.advance(150);
    }
    far.settle();
    expect(far.seen).toBe('> HELLO|');
  });

  it('shows nothing in a program that has the whole screen, and predicts again after it', () => {
    const far = proved();
    far.press(ERASE);
    run(far, 'vim');
    expect(far.surface.alternate).toBe(true);
    far.type('abc');
    expect(far.prediction).toBeNull();
    far.settle();
    far.press('q');
    far.settle();
    far.press('l');
    far.settle();
    far.press('s');
    expect(far.prediction).not.toBeNull();
  });
});

describe('is not shown', () => {
  it('while output floods, and takes away what was shown', () => {
    const far = proved();
    far.press('x');
    far.arrive('\x07'.repeat(20_000));
    expect(far.prediction).toBeNull();
    far.press('y');
    expect(far.prediction).toBeNull();
  });

  it('to people nearby, until the way becomes long', () => {
    const far = proved(10);
    far.press('x');
    expect(far.prediction).toBeNull();
    far.settle();
    far.roundTrip = 300;
    far.press('y');
    far.settle();
    far.press('z');
    expect(far.prediction).not.toBeNull();
  });

  it('before the way was measured, and nearby only on request', () => {
    const far = proved(0);
    far.press('x');
    expect(far.prediction).toBeNull();
    far.settle();
    far.mode = 'always';
    far.press('y');
    expect(far.seen).toBe('$ exy|');
  });

  it('when switched off', () => {
    const far = proved();
    far.mode = 'off';
    far.press('x');
    expect(far.prediction).toBeNull();
  });

  it('while keys do not go to the program, as when somebody else drives', () => {
    const far = proved();
    far.press('x');
    far.drives = false;
    far.press('y');
    expect(far.prediction).toBeNull();
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
