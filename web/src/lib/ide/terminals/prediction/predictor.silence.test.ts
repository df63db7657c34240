import { describe, expect, it } from 'vitest';
import { PATIENCE_MS } from './predictor.ts';
import { ERASE, proved, run } from './testing/prompt.ts';

describe('where the program does not echo', () => {
  it.each(['sudo', 'stars', 'letters'])('shows nothing of a password: %s', (command) => {
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

  it.each([
    ['a star that came back as a star', 'stars', '*'],
    ['a letter that is its own mask', 'letters', 'x'],
  ])('takes nothing for an echo of a password: %s', (_name, command, key) => {
    const far = proved();
    far.press(ERASE);
    run(far, command);
    far.press(key);
    far.settle();
    far.press('s');
    expect(far.prediction).toBeNull();
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
