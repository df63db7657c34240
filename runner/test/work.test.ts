import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { USAGE_EVERY, WORK_SHARE, type UsageTold } from '@gatehouse/core/protocol/workspace-usage.ts';
import { UsageTeller, type Measured } from '../src/control/usage.ts';
import type { Usage } from '../src/sandbox/driver.ts';
import { FakeClock } from './support/clock.ts';
import { mintId } from './support/mint.ts';
import { isolationMissing, runIn, startSandbox } from './support/sandbox.ts';
import { typeInto } from './support/typed-terminal.ts';

const kinds = isolationMissing() === null ? (['bubblewrap', 'process'] as const) : (['process'] as const);
/** what counts as work within a minute, in milliseconds of a processor */
const WORK_MS = WORK_SHARE * USAGE_EVERY.else;
/** so much is used beside the terminal meanwhile, which must not count */
const ELSEWHERE_MS = 2 * WORK_MS;
const BURN = `perl -e 'while ((times)[0] < ${ELSEWHERE_MS / 1000}) { for (1 .. 100_000) {} }'`;

describe.each(kinds)('what stands in the foreground of a terminal (%s)', (kind) => {
  it.each([
    ['an editor', 'vim note.txt', 'note.txt'],
    ['a pager', 'seq 10000 | less', ':'],
    ['sleep', 'echo now; sleep 1000', 'now'],
    ['a program that asks', 'read -p "Sure? " answer', 'Sure? '],
    ['the prompt itself', 'echo ready-$((6*7))', 'ready-42'],
  ])('is no work while it waits: %s', async (_, command, shown) => {
    const sandbox = await startSandbox(kind);
    await typeInto(sandbox, `${command}\n`, shown);
    const before = await sandbox.usage();
    await runIn(sandbox, BURN);
    const after = await sandbox.usage();
    expect((after.foregroundMs ?? Infinity) - (before.foregroundMs ?? 0)).toBeLessThan(WORK_MS);
  });

  it.each([
    ['a loop', `perl -e 'print "now\\n"; 1 while 1'`],
    ['a loop of the shell’s own', 'echo now; while :; do :; done'],
    ['a build: many small programs, one after another', 'printf "all:\\n\\t@echo now; while :; do /bin/true; done\\n" > Makefile; make'],
    ['a build: programs beside each other', `echo now; (perl -e '1 while 1' & perl -e '1 while 1' & wait)`],
    ['in a terminal within the terminal', `script -qc "echo now; perl -e '1 while 1'" /dev/null`],
  ])('is work while it computes: %s', async (_, command) => {
    const sandbox = await startSandbox(kind);
    const before = await sandbox.usage();
    await typeInto(sandbox, `${command}\n`, 'now');
    const used = async () => ((await sandbox.usage()).foregroundMs ?? 0) - (before.foregroundMs ?? 0);
    await expect.poll(used, { timeout: 15_000 }).toBeGreaterThan(WORK_MS);
  });

  it('is not what runs in the background', async () => {
    const sandbox = await startSandbox(kind);
    await typeInto(sandbox, `${BURN} & wait; echo ready-$((6*7)); ${BURN} & echo behind-$((6*7)); exec sleep 1000\n`, 'behind-42');
    const before = await sandbox.usage();
    await runIn(sandbox, BURN);
    const after = await sandbox.usage();
    expect((after.foregroundMs ?? Infinity) - (before.foregroundMs ?? 0)).toBeLessThan(WORK_MS);
  });
});

describe('what a runner tells of its workspaces', () => {
  const used = (other: Partial<Usage>): Usage => ({
    ...{ cpuMs: 0, memoryBytes: 2 ** 20, processes: 3, diskBytes: null, foregroundMs: 0 },
    ...other,
  });

  function mintTeller() {
    const clock = new FakeClock();
    const running: Measured[] = [];
    const told: UsageTold['workspaces'][] = [];
    const teller = new UsageTeller({ clock, measured: () => running });
    const send = (message: FromRunner) => message.kind === 'usage' && told.push(message.workspaces);
    const run = (usage: () => Usage, trouble: string | null = null) => {
      const limits = templateLimits.parse({ cpus: 2, memoryMb: 256, diskMb: 64 });
      running.push({ workspaceId: mintId('workspace'), limits, usage: () => Promise.resolve(usage()), trouble: () => trouble });
    };
    /** Lets so much time pass, and what is measured then be told. */
    const pass = async (ms: number) => {
      clock.pass(ms);
      await setImmediate();
    };
    return { clock, running, told, teller, run, pass, online: (hears = ['usage']) => teller.online(send, hears) };
  }

  it('is one message for all of them, once a minute', async () => {
    const { told, run, pass, online } = mintTeller();
    run(() => used({}), 'the workspace used more than its 1 MB of memory');
    run(() => used({ diskBytes: 5 }));
    online();
    await pass(0);
    await pass(USAGE_EVERY.else - 1);
    expect(told).toHaveLength(1);
    await pass(1);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject([
      {
        cpu: { used: null, most: 2 },
        memory: { used: 2 ** 20, most: 2 ** 28 },
        disk: { used: null, most: 2 ** 26 },
        processes: { used: 3, most: 4096 },
        trouble: 'the workspace used more than its 1 MB of memory',
        working: null,
      },
      { disk: { used: 5 }, trouble: null },
    ]);
  });

  it('is told every ten seconds while somebody looks, and not a minute longer', async () => {
    const { told, teller, run, pass, online } = mintTeller();
    run(() => used({}));
    online();
    await pass(0);
    await pass(30_000);
    teller.watch();
    await pass(0);
    expect(told).toHaveLength(2);
    for (let second = 0; second < 60; second++) await pass(1000);
    expect(told).toHaveLength(8);
    for (let second = 0; second < 120; second++) await pass(1000);
    expect(told).toHaveLength(10);
  });

  it('is nothing at all to a platform of a release before, and goes on after a reconnect', async () => {
    const { told, teller, run, pass, online } = mintTeller();
    run(() => used({}));
    online([]);
    teller.watch();
    await pass(10 * USAGE_EVERY.else);
    expect(told).toEqual([]);
    online();
    await pass(0);
    teller.offline();
    await pass(10 * USAGE_EVERY.else);
    expect(told).toHaveLength(1);
    online();
    await pass(0);
    expect(told).toHaveLength(2);
  });

  it('says how many processors were busy, and work by the share of a minute', async () => {
    const { told, run, pass, online } = mintTeller();
    const readings = [
      used({}),
      used({ cpuMs: 90_000, foregroundMs: WORK_MS }),
      used({ cpuMs: 90_000, foregroundMs: 2 * WORK_MS - 10 }),
      used({ cpuMs: null, foregroundMs: null }),
    ];
    run(() => readings.shift() ?? used({ cpuMs: null, foregroundMs: null }));
    online();
    await pass(0);
    for (let minute = 0; minute < 3; minute++) await pass(USAGE_EVERY.else);
    expect(told.map(([first]) => [first?.cpu.used, first?.working])).toEqual([
      [null, null],
      [1.5, true],
      [0, false],
      [null, null],
    ]);
  });

  it('judges work over a minute, however often it is told', async () => {
    const { told, teller, run, pass, online } = mintTeller();
    let foregroundMs = 0;
    run(() => used({ foregroundMs: (foregroundMs += WORK_MS) }));
    online();
    await pass(0);
    teller.watch();
    for (let second = 0; second < 70; second++) await pass(1000);
    expect(told.map(([first]) => first?.working)).toEqual([null, null, null, null, null, null, true]);
  });

  it('leaves out what can’t be measured, and forgets what runs no more', async () => {
    const { told, running, run, pass, online } = mintTeller();
    run(() => used({ cpuMs: 1000 }));
    run(() => {
      throw new Error('it has just ended');
    });
    online();
    await pass(0);
    expect(told[0]).toHaveLength(1);
    const [first] = running.splice(0);
    await pass(USAGE_EVERY.else);
    expect(told).toHaveLength(1);
    if (first) running.push(first);
    await pass(USAGE_EVERY.else);
    expect(told[1]).toMatchObject([{ cpu: { used: null } }]);
  });
});
