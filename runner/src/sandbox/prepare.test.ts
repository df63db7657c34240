import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mintFolder } from '../../test/support/mint.ts';
import { giveTo } from './prepare.ts';

it.runIf(process.getuid?.() === 0)('a home is given away with all that is in it, whatever the bytes of its names', () => {
  const [home, outside] = [mintFolder(), join(mintFolder(), 'outside')];
  writeFileSync(outside, '');
  mkdirSync(join(home, 'folder'));
  const odd = Buffer.concat([Buffer.from(join(home, 'folder/')), Buffer.from([0xff, 0xfe, 0x80])]);
  writeFileSync(odd, '');
  symlinkSync(outside, join(home, 'link'));
  giveTo(home, { uid: 4711, gid: 4712 });
  for (const path of [home, join(home, 'folder'), odd, join(home, 'link')])
    expect([lstatSync(path).uid, lstatSync(path).gid]).toEqual([4711, 4712]);
  expect(lstatSync(outside).uid).toBe(0);
});
