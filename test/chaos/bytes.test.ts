import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFileSync } from 'node:fs';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import type { Person } from '../../scripts/api.ts';
import { Network } from '../support/network.ts';
import type { PageTerminal } from '../support/page-terminal.ts';
import { type Product, signUp, startProduct, startWorkspace, until } from '../support/product.ts';
import { Desk } from './desk.ts';
import { seededDie } from './die.ts';
import { killWorkerd } from './kill.ts';
import { recorded, recorder, STOP } from './recorder.ts';
import { faultsOf, torn, Typist } from './typist.ts';

const CUTS = Number(process.env['CUTS'] ?? 40);
/** of the cuts, one in so many kills workerd, and one the runner */
const KILL_EVERY = 20;
/** Workspaces, and desks in each: one person may connect to one workspace 60 times a minute. */
const ROOMS = ['left', 'right'];
const DESKS = 2;
const TYPE_EVERY = 40;
const PATIENCE_S = 60;
const LONGEST_WORD = 16;
const RUNNER = 'anvil';

/** A workspace with a recorder in a terminal, and those who sit at it. */
interface Room {
  name: string;
  home: string;
  desks: Desk[];
  /** offset of the first byte that the recorder printed */
  begin: number;
}

const { seed, chance, roll } = seededDie();
const typists: Typist[] = [];
const tally = new Map<string, number>();
const rooms: Room[] = [];
let product: Product;
let owner: Person;
let link: Network;

beforeAll(async () => {
  product = await startProduct();
  link = await Network.before(product.port);
  owner = await signUp(product.origin, 'chaos', 'a long enough password');
  await product.addRunner(owner, RUNNER, `http://localhost:${link.port}`);
  for (const name of ROOMS) await furnish(name);
});

afterAll(async () => {
  for (const desk of desks()) desk.close();
  await product?.end();
  await Promise.all([link, ...desks().map(({ network }) => network)].map((network) => network?.close()));
});

const desks = (): Desk[] => rooms.flatMap((room) => room.desks);

function hire(terminal: PageTerminal): Typist {
  const typist = new Typist(typists.length, terminal);
  typists.push(typist);
  return typist;
}

/** The first desk starts the recorder, the others look on, and may type as well: all are the owner's. */
async function furnish(name: string): Promise<void> {
  const workspaceId = await startWorkspace(owner, name);
  const home = join(product.stateDir, `runner-${RUNNER}`, 'workspaces', workspaceId, 'home');
  const room: Room = { name, home, desks: [], begin: 0 };
  rooms.push(room);
  const first = await Desk.set(product, owner, workspaceId, hire);
  room.desks.push(first);
  const { terminal, seen } = await first.open(null);
  terminal.type(recorder(name));
  await until(async () => seen.hasBegun);
  room.begin = seen.begin;
  while (room.desks.length < DESKS) {
    const desk = await Desk.set(product, owner, workspaceId, hire);
    room.desks.push(desk);
    await desk.open(terminal.id);
  }
}

const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);

/** What happens to one desk. A page that is told that its network is back does not wait; one that is not, does. */
const MISHAPS: Record<string, (desk: Desk) => Promise<void>> = {
  reset: async ({ network }) => network.reset(),
  'reset, and the network is back': async ({ network, page }) => {
    network.reset();
    await sleep(roll(200));
    page.connection.networkReturned();
  },
  'lost without a word': async ({ network, page }) => {
    network.lose();
    await sleep(roll(300));
    page.connection.networkReturned();
  },
  delay: async ({ network }) => network.hold(50 + roll(1_000)),
  reload: (desk) => desk.reload(),
};

async function mishap(): Promise<void> {
  const desk = chance.pick(desks());
  await connected([desk]);
  const name = chance.pick(['reset', 'reset', ...Object.keys(MISHAPS)]);
  count(`page: ${name}`);
  await MISHAPS[name]?.(desk);
}

async function linkMishap(): Promise<void> {
  const isReset = roll(2) === 0;
  count(isReset ? 'runner: reset' : 'runner: delay');
  if (isReset) link.reset();
  else link.hold(50 + roll(1_000));
}

async function kill(what: 'workerd' | 'runner'): Promise<void> {
  count(`${what} killed`);
  const begin = performance.now();
  const there = desks().flatMap(({ page }) => (page.isConnected ? { page, states: page.states.length } : []));
  await (what === 'workerd' ? killWorkerd(product) : product.killRunner(RUNNER));
  // Each page notices, and comes back.
  await until(async () => there.every(({ page, states }) => page.states.length > states));
  await connected(desks());
  tally.set(
    `${what}: longest recovery, ms`,
    Math.max(tally.get(`${what}: longest recovery, ms`) ?? 0, Math.round(performance.now() - begin)),
  );
}

/** Who waits looks at the page again after a while, and that makes it dial. */
async function connected(which: Desk[]): Promise<void> {
  const away = () => which.filter(({ page }) => !page.isConnected);
  for (let second = 0; away().length > 0; second++) {
    if (second === PATIENCE_S) throw new Error(`Not connected within ${PATIENCE_S} s: ${JSON.stringify(away().map(factsOf))}`);
    if (second % 3 === 2) for (const { page } of away()) page.connection.nudge();
    await Promise.race([Promise.all(which.map(({ page }) => page.connected())), sleep(1_000, undefined, { ref: false })]);
  }
}

const factsOf = ({ page }: Desk) => ({ state: page.connection.state, closes: page.closes.slice(-10), states: page.states.slice(-20) });

async function havoc(): Promise<void> {
  for (let cut = 1; cut <= CUTS; cut++) {
    if (cut % KILL_EVERY === 0) await kill('workerd');
    else if (cut % KILL_EVERY === KILL_EVERY / 2) await kill('runner');
    else if (roll(6) === 0) await linkMishap();
    else await mishap();
    await sleep(roll(4) === 0 ? 0 : roll(700));
  }
}

/** Types at every desk, mostly a word at a time, now and then much at once. */
function type(): void {
  for (const { windows, page } of desks()) {
    // Who is away types less: what is kept for later has its bounds.
    for (const { typist } of windows) if (page.isConnected || roll(8) === 0) typist.type(roll(200) === 0 ? 300 : 1);
  }
}

/** All that was printed has come to every desk, and all that was typed has arrived, or it never will. */
async function settle(): Promise<void> {
  await connected(desks());
  for (const { home } of rooms) writeFileSync(join(home, STOP), '');
  await until(async () => desks().every(({ windows }) => windows.every(({ seen }) => seen.isWhole)), PATIENCE_S);
  await until(async () => rooms.every((room) => typingFaults(room).length === 0)).catch(() => undefined);
}

function typingFaults({ name, home, desks }: Room): string[] {
  const windows = desks.flatMap((desk) => desk.windows);
  const stayed = new Set(windows.map(({ typist }) => typist));
  const those = typists.filter(({ terminalId }) => terminalId === windows[0]?.terminal.id);
  return faultsOf(recorded(home, name).typed, those, stayed);
}

function expectEveryByte(room: Room): void {
  const { printed, typed } = recorded(room.home, room.name);
  expect(printed.byteLength).toBeGreaterThan(0);
  for (const { terminal, seen } of room.desks.flatMap(({ windows }) => windows)) {
    expect(terminal.faults).toEqual([]);
    expect(seen.difference(printed, room.begin)).toBeNull();
  }
  expect(typingFaults(room)).toEqual([]);
  // Who left may have left half a word.
  expect(torn(typed).length).toBeLessThan(1 + LONGEST_WORD * (tally.get('page: reload') ?? 0));
}

const TITLE = `S3, T1, T5: cut again and again (seed ${seed}), each byte of output and each key arrives once and in order`;
test(TITLE, { timeout: 90_000 + CUTS * 3_000 }, async () => {
  const typing = setInterval(type, TYPE_EVERY);
  try {
    await havoc();
  } finally {
    clearInterval(typing);
  }
  await settle();
  for (const room of rooms) expectEveryByte(room);
  const closes = desks().flatMap(({ closes, page }) => [...closes, ...page.closes]);
  report(closes);
  // Nobody lied, so nobody was taken for a liar.
  expect(closes.filter((code) => [CLOSE_CODES.protocol.code, CLOSE_CODES.revoked.code].some((bad) => bad === code))).toEqual([]);
});

function report(closes: number[]): void {
  for (const code of closes) count(`closed with ${code}`);
  process.stdout.write(
    `${[...tally]
      .map(([what, times]) => `${what}: ${times}`)
      .sort()
      .join('\n')}\n`,
  );
}
