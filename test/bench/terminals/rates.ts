import { setTimeout as sleep } from 'node:timers/promises';
import { LOAD, monthlyBill, type Rates } from '../cost.ts';
import type { FrameCount } from '../../support/frame-count.ts';
import { cpuSecondsOf } from '../processes.ts';
import type { Product } from '../product.ts';
import { Shell } from '../shell.ts';
import { openDatabases } from '../../support/open-databases.ts';
import { Commits } from '../storage.ts';
import type { System } from '../system.ts';
import { gatehouse } from '../gatehouse.ts';
import type { Add } from '../turns.ts';

/** Frames on their way to the server: from pages, and from the runner over its control connection and its links. */
interface Wire {
  pages: FrameCount;
  links: FrameCount;
}

interface Sessions {
  workspaces: number;
  sessions: number;
  seconds: number;
}

type Idle = Omit<Rates, 'activeFramesPerSecond' | 'awakeMsPerFrame'> & { cpuShare: number };

/** Nobody does anything for a while: frames on the wire, transactions of SQLite, objects that workerd has in memory. */
export async function measureIdleRates(product: Product, wire: Wire, { workspaces, sessions, seconds }: Sessions, add: Add): Promise<Idle> {
  const { server } = gatehouse(product).processes();
  const commits = new Commits(product.stateDir);
  const committed = new Map<string, number>();
  const inMemory = { workspace: 0, runner: 0 };
  const cpuBefore = cpuSecondsOf(server);
  wire.pages.reset();
  wire.links.reset();
  const begin = performance.now();
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    for (const [kind, count] of commits.take()) committed.set(kind, (committed.get(kind) ?? 0) + count);
    for (const pid of server) {
      inMemory.workspace += openDatabases(pid, 'gatehouse-Workspace');
      inMemory.runner += openDatabases(pid, 'gatehouse-Runner');
    }
  }
  const took = (performance.now() - begin) / 1000;
  const hourly = (count: number) => (count * 3600) / took;
  // The control connection pings as each link does.
  const pings = hourly(wire.links.pings) / (workspaces + 1);
  const idle: Idle = {
    page: { pings: hourly(wire.pages.pings) / sessions, messages: hourly(wire.pages.text + wire.pages.binary) / sessions },
    link: { pings, messages: hourly(wire.links.binary) / workspaces },
    runner: { pings, messages: hourly(wire.links.text) },
    workspaceCommitsPerHour: hourly(committed.get('gatehouse-Workspace') ?? 0) / workspaces,
    runnerCommitsPerHour: hourly(committed.get('gatehouse-Runner') ?? 0),
    cpuShare: (cpuSecondsOf(server) - cpuBefore) / took,
  };
  for (const who of ['page', 'link', 'runner'] as const) {
    add(`idle ${who}: pings`, 'per hour', idle[who].pings);
    add(`idle ${who}: messages that wake the object`, 'per hour', idle[who].messages);
  }
  add('idle workspace: its object in memory', 's/h', hourly(inMemory.workspace) / workspaces);
  add('idle runner: its object in memory', 's/h', hourly(inMemory.runner));
  add('idle workspace: transactions of its object', 'per hour', idle.workspaceCommitsPerHour);
  add('idle runner: transactions of its object', 'per hour', idle.runnerCommitsPerHour);
  const others = [...committed].filter(([kind]) => !['gatehouse-Workspace', 'gatehouse-Runner'].includes(kind));
  add('idle deployment: transactions of all else', 'per hour', hourly(others.reduce((sum, [, count]) => sum + count, 0)));
  return idle;
}

interface Active {
  wire: Wire;
  /** port of the network that counts */
  via: number;
  /** of one core, while nobody does anything */
  idleCpuShare: number;
  seconds: number;
}

/** One terminal prints and is typed into as the cost assumes of an active one. */
export async function measureActive(
  system: System,
  { wire, via, idleCpuShare, seconds }: Active,
  add: Add,
): Promise<Pick<Rates, 'activeFramesPerSecond' | 'awakeMsPerFrame'>> {
  const shell = await Shell.at(system, via);
  try {
    shell.raw(`while :; do echo a line of output; sleep ${(1 / LOAD.outputPerSecond).toFixed(3)}; done`);
    await shell.begun();
    const messages = () => wire.pages.binary + wire.links.binary;
    const [begin, framesBefore, cpuBefore] = [performance.now(), messages(), cpuSecondsOf(system.processes().server)];
    for (let keys = LOAD.keysPerSecond * seconds; keys > 0; keys--) {
      shell.type('k');
      await sleep(1000 / LOAD.keysPerSecond);
    }
    const took = (performance.now() - begin) / 1000;
    const frames = messages() - framesBefore;
    const cpu = cpuSecondsOf(system.processes().server) - cpuBefore - idleCpuShare * took;
    const active = { activeFramesPerSecond: frames / took, awakeMsPerFrame: Math.max(0, (cpu * 1000) / frames) };
    add('active terminal: messages into its object', 'per second', active.activeFramesPerSecond);
    add('active terminal: server CPU for each', 'ms', active.awakeMsPerFrame);
    return active;
  } finally {
    await shell.close();
  }
}

/** What that would cost where objects are billed. */
export function tellCost(rates: Rates, add: Add): void {
  const bill = monthlyBill(rates);
  const month = `month of ${LOAD.developers} developers`;
  add(`${month}: requests`, 'USD', bill.requestsUsd);
  add(`${month}: awake objects`, 'USD', bill.durationUsd);
  add(`${month}: rows written`, 'USD', bill.rowsUsd);
  add(`${month}: total`, 'USD', bill.totalUsd);
}
