import { FarTerminal } from './far-terminal.ts';
import { FullScreen, Secret, Shell, Shouting } from './programs.ts';

export const LEFT = '\x1b[D';
export const RIGHT = '\x1b[C';
export const UP = '\x1b[A';
export const ERASE = '\x7f';
export const HOME = '\x01';

/** A shell with all the programs of these tests. */
export const shell = (): Shell =>
  new Shell({
    sudo: (back) => new Secret(back),
    stars: (back) => new Secret(back, '*'),
    letters: (back) => new Secret(back, 'x'),
    vim: (back) => new FullScreen(back),
    shout: () => new Shouting(),
  });

/** A shell at whose prompt one key was typed and echoed: the epoch is proved. */
export function proved(roundTrip = 200, cols = 80): FarTerminal {
  const far = new FarTerminal(shell(), roundTrip, cols);
  far.press('e');
  far.settle();
  return far;
}

/** Runs a command and waits for what it prints. */
export function run(far: FarTerminal, command: string): void {
  far.type(`${command}\r`);
  far.settle();
}
