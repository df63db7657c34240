import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { HelperRequest } from '../../src/channel/requests.ts';
import { mintFolder } from '../support/mint.ts';
import { describePrisons } from './support/prison.ts';

/** Every method of the files service, on one path. */
const methodsOn = (path: string): HelperRequest[] => [
  { method: 'files.list', path },
  { method: 'files.stat', path },
  { method: 'files.mkdir', path },
  { method: 'files.rename', from: path, to: 'moved' },
  { method: 'files.rename', from: 'mine', to: path },
  { method: 'files.delete', path, recursive: true },
  { method: 'files.copy', from: path, to: 'copied' },
  { method: 'files.copy', from: 'mine', to: path },
  { method: 'files.read', path },
  { method: 'files.archive', paths: [path] },
  { method: 'trash.put', path },
  { method: 'files.watch', path },
];

const UPWARDS = [
  '..',
  '../..',
  '../../../../etc/passwd',
  'a/../../x',
  './..',
  'a/./../..',
  '/..',
  '//../etc',
  '.../..',
  'mine/../../dev/../../etc',
];

describePrisons('the files service', (prison) => {
  it('takes no path that goes upwards, in any method', async () => {
    const mallory = await prison().cell();
    await mallory.run('mkdir -p a; echo mine > mine');
    for (const path of UPWARDS) {
      for (const request of methodsOn(path))
        expect([path, request.method, await mallory.call(request)]).toMatchObject([path, request.method, { ok: false }]);
      expect(await mallory.write(path)).toMatchObject({ ok: false, code: 'invalid' });
    }
    expect((await mallory.run('cat mine; ls')).output).toBe('mine\na\nmine');
  });

  it('takes an absolute path, and a name with a NUL in it, for one in the workspace or for nothing', async () => {
    const folder = mintFolder();
    writeFileSync(join(folder, 'outside'), 'outside');
    const mallory = await prison().cell();
    for (const path of [`${folder}/outside`, '/etc/passwd', '/proc/1/environ', 'x\0/../../etc/passwd']) {
      for (const request of methodsOn(path)) {
        if (['files.mkdir', 'files.rename', 'files.copy'].includes(request.method)) continue;
        expect(await mallory.call(request)).toMatchObject({ ok: false });
      }
    }
    expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('outside');
  });

  it('reaches through links only what the sandbox shows, and changes nothing there that it may not', async () => {
    const folder = mintFolder();
    writeFileSync(join(folder, 'outside'), 'outside', { mode: 0o666 });
    const mallory = await prison().cell();
    await mallory.run(
      `ln -s ${folder} out; ln -s / root; ln -s /usr/bin bin; ln -s /etc/passwd passwd; ln -s /proc/self/root self; echo mine > mine`,
    );
    const paths = ['out/outside', `root${folder}/outside`, `self${folder}/outside`];
    for (const path of paths) {
      for (const request of methodsOn(path)) expect(await mallory.call(request)).toMatchObject({ ok: false });
      expect(await mallory.write(path)).toMatchObject({ ok: false });
    }
    for (const path of ['bin/env', 'passwd', 'root/etc/gatehouse/start-up.sh', 'root/opt/gatehouse/helper.mjs']) {
      expect(await mallory.write(path)).toMatchObject({ ok: false });
      expect(
        await mallory.call({ method: 'files.delete', path: path === 'passwd' ? 'root/etc/passwd' : path, recursive: true }),
      ).toMatchObject({ ok: false });
    }
    expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('outside');
    expect(
      await mallory.escapes({
        'a hard link to a system file': 'ln /usr/bin/env ~/env',
        'one to what it is made of': 'ln /opt/gatehouse/node ~/node',
      }),
    ).toEqual([]);
  });

  it('wins no race for a hostile program that swaps folders for links', async () => {
    const folder = mintFolder();
    mkdirSync(join(folder, 'target'));
    for (const name of ['file', 'other']) writeFileSync(join(folder, 'target', name), 'outside-word', { mode: 0o666 });
    const victim = await prison().cell();
    await victim.run('echo private-word > file; chmod -R a+rwX ~');
    const mallory = await prison().cell();
    const swaps = [`${folder}/target`, `${victim.plan.folder}/home`, '/etc'].map(
      (to) => `ln -sfn ${to} t; mv -T t d 2>/dev/null; rm -f d; mkdir -p d; echo mine > d/file`,
    );
    const racing = mallory.run(`rm -rf d; end=$((SECONDS+3)); while [ $SECONDS -lt $end ]; do ${swaps.join('; ')}; rm -rf d; done`);
    let running = true;
    void racing.then(() => (running = false));
    const heads: unknown[] = [];
    while (running) {
      heads.push(
        ...(await Promise.all([
          mallory.write('d/file', 10),
          mallory.call({ method: 'files.rename', from: 'd/file', to: `stolen-${heads.length}` }),
          mallory.call({ method: 'files.delete', path: 'd/other', recursive: true }),
          mallory.call({ method: 'files.mkdir', path: 'd/made' }),
          mallory.call({ method: 'files.copy', from: 'd', to: `copied-${heads.length}` }),
          mallory.call({ method: 'trash.put', path: 'd/other' }),
          mallory.call({ method: 'files.watch', path: 'd' }),
        ])),
      );
    }
    expect(heads.length).toBeGreaterThan(20);
    for (const name of ['file', 'other']) expect(readFileSync(join(folder, 'target', name), 'utf8')).toBe('outside-word');
    expect(readdirSync(join(folder, 'target')).sort()).toEqual(['file', 'other']);
    expect((await victim.run('cat file; ls')).output).toBe('private-word\nfile');
    expect((await mallory.run('grep -rl "private-word\\|outside-word" ~ 2>/dev/null; true')).output).toBe('');
    for (const name of ['made', 'stolen-0']) expect(existsSync(join('/etc', name))).toBe(false);
  });

  it('is not held up by what is no file: pipes, devices, folders without rights, a path that is too long', async () => {
    const mallory = await prison().cell();
    await mallory.run('mkfifo pipe; ln -s /dev/zero zero; ln -s /proc/kmsg kmsg; mkdir closed; chmod 0 closed; ln -s loop loop');
    for (const path of ['pipe', 'zero', 'kmsg', 'closed', 'loop'])
      expect(await mallory.call({ method: 'files.read', path })).toMatchObject({ ok: false });
    for (const path of ['pipe', 'zero', 'closed/x']) expect(await mallory.write(path)).toMatchObject({ ok: false });
    expect(await mallory.call({ method: 'files.stat', path: 'x/'.repeat(400) })).toMatchObject({ ok: false });
    expect((await mallory.run('echo alive')).output).toBe('alive');
  });
});
