import { expect, it } from 'vitest';
import type { ProgramExit } from '../channel/requests.ts';
import { Pty } from './pty.ts';

it('gives what a program printed last, although nobody read while it ended', async () => {
  let output = '';
  const exit = await new Promise<ProgramExit>((resolve) => {
    let begun = false;
    const events = {
      data: (bytes: Uint8Array) => {
        output += Buffer.from(bytes).toString();
        if (begun || !output.includes('begun-42')) return;
        begun = true;
        pty.read(false);
        pty.write(Buffer.from('\n'), () => undefined);
      },
      exit: resolve,
    };
    const shell = { file: '/bin/bash', args: [], cwd: '/', env: { PATH: '/usr/bin:/bin', HOME: '/' } };
    const pty = new Pty({ cols: 80, rows: 24, ...shell }, events);
    pty.write(Buffer.from("stty -echo; echo begun-$((40+2)); read x; printf 'last%.0s' {1..500}; exit 3\n"), () => undefined);
  });
  expect(exit.code).toBe(3);
  expect(output).toContain('last'.repeat(500));
});
