import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unitOf, type UnitOptions } from '../src/service/unit.ts';
import { makeLab } from './support/lab.ts';
import { mintFolder, mintId, mintOrder } from './support/mint.ts';
import { runProgram, startProgram } from './support/program.ts';

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasAnalyze) process.stderr.write('systemd-analyze is not here: NOBODY LOOKS AT THE UNIT FILE\n');

const unit = (change: Partial<UnitOptions> = {}) =>
  unitOf({
    program: [process.execPath, '/usr/local/bin/gatehouse-runner'],
    ...{ user: 'gatehouse', stateDir: '/var/lib/gatehouse-runner', more: [] },
    ...change,
  });
/** The value of a setting; of a list, its words. */
const valueIn = (text: string, key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1];

describe('the unit file', () => {
  const kinds: [string, Partial<UnitOptions>][] = [
    ['as it is', {}],
    ['with metrics and a state folder elsewhere', { stateDir: '/srv/gate house/100%', more: ['--metrics', '127.0.0.1:9464'] }],
    ['as root', { user: 'root' }],
  ];
  it.runIf(hasAnalyze).each(kinds)('is one that systemd takes without a word: %s', (_name, change) => {
    const file = join(mintFolder(), 'gatehouse-runner.service');
    // The program must be there, and it is not yet.
    writeFileSync(file, unit({ ...change, program: [process.execPath] }));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    // From systemd 254 on it is known.
    const said = stderr.split('\n').filter((line) => line.startsWith(file) && !line.includes('DelegateSubgroup'));
    expect({ status, said }).toEqual({ status: 0, said: [] });
  });

  it('takes from the runner what it does not need, and nothing that sandboxes are made of', () => {
    const text = unit();
    for (const each of [
      'NoNewPrivileges=yes',
      'CapabilityBoundingSet=',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'StateDirectoryMode=0700',
    ])
      expect(text).toContain(`\n${each}\n`);
    expect(text).not.toMatch(
      /^(RestrictNamespaces|PrivateUsers|PrivateDevices|PrivateTmp|ProtectProc|ProcSubset|ProtectKernelTunables|ProtectControlGroups|SystemCallFilter)=/m,
    );
    expect(unit({ user: 'root' })).not.toMatch(/^CapabilityBoundingSet=/m);
  });

  it('writes paths so that systemd reads them as they are', () => {
    const text = unit({ stateDir: '/srv/gate house/100%$x', program: ['/home/ada/node', '/opt/runner.js'] });
    expect(valueIn(text, 'ExecStart')).toBe('/home/ada/node /opt/runner.js run --state-dir "/srv/gate house/100%%$$x" --log-format json');
    expect(valueIn(text, 'ReadWritePaths')).toBe('"/srv/gate house/100%%$x"');
    expect(valueIn(text, 'ProtectHome')).toBe('read-only');
    expect(valueIn(unit({ stateDir: '/var/lib/gatehouse/one' }), 'StateDirectory')).toBe('gatehouse/one');
  });

  it('is printed for the program that prints it', async () => {
    const { code, text } = await runProgram(['systemd', '--user', 'builder', '--metrics', '127.0.0.1:9464']);
    expect(code).toBe(0);
    expect(valueIn(text, 'User')).toBe('builder');
    expect(valueIn(text, 'ExecStart')).toMatch(/^\S+node \S+gatehouse-runner\.js run .*--metrics 127\.0\.0\.1:9464$/);
    expect((await runProgram(['systemd', '--metrics', '0.0.0.0:9464'])).text).toContain('--metrics-anywhere');
  });
});

/** What systemd does with the unit, done by hand: it is told only what the file says. */
describe('an upgrade', () => {
  const settings = unit();
  const upgrades: [string, (lab: Awaited<ReturnType<typeof makeLab>>, pid: number) => Promise<void>][] = [
    // `systemctl restart`: the signal for it, to the first process alone.
    ['by restart', async (_lab, pid) => void process.kill(pid, valueIn(settings, 'RestartKillSignal') as NodeJS.Signals)],
    // `systemctl reload`: its command.
    [
      'by reload',
      async ({ state }) => {
        const [command = ''] = /(?<= )handover(?= )/.exec(valueIn(settings, 'ExecReload') ?? '') ?? [];
        expect((await runProgram([command, '--state-dir', state])).code).toBe(0);
      },
    ],
  ];
  it.each(upgrades)('%s: another release takes over, and a terminal goes on where it was', async (_name, upgrade) => {
    expect([valueIn(settings, 'KillMode'), valueIn(settings, 'Restart')]).toEqual(['process', 'always']);
    const lab = await makeLab();
    const { platform, state, run } = lab;
    const old = run();
    await platform.connections.wait(() => true);
    const order = mintOrder();
    platform.want(order);
    await platform.reported(order, 'running');
    const before = (await platform.join(order.workspaceId)).open({ method: 'pty.open', cols: 80, rows: 24, key: mintId('connection') });
    const { terminal } = (await before.head) as { terminal: { terminalId: string } };
    before.write('marker=kept-$((40+2)); echo $marker\r');
    await before.shows('kept-42');
    const links = platform.links.all.length;
    await upgrade(lab, old.child.pid ?? 0);
    // That it ended well is what starts the next one.
    expect(await old.ended).toBe(0);
    startProgram(['run', '--state-dir', state]);
    await platform.links.wait(() => platform.links.all.length > links);
    const after = (await platform.join(order.workspaceId)).open({
      ...{ method: 'pty.attach', terminalId: terminal.terminalId, from: before.next },
      ...{ cols: 80, rows: 24 },
    });
    await after.head;
    after.write('echo still-$marker\r');
    await after.shows('still-kept-42');
    expect([after.from === before.next, after.gaps]).toEqual([true, 0]);
  });
});
