import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { encodeFrame } from '@gatehouse/core/protocol/frame.ts';
import type { Person } from '../../scripts/api.ts';
import type { ProofKey } from '../../web/src/lib/ide/connection/ports.ts';
import { mutateFrame, mutateMessage } from '../core/protocol/fuzz/mutate.ts';
import { NodePage, workspaceApi } from '../support/node-page.ts';
import { type Address, dialWorkspace } from '../support/node-socket.ts';
import type { PageTerminal } from '../support/page-terminal.ts';
import { type Product, signUp, startProduct, startWorkspace, until } from '../support/product.ts';
import { Attacker } from './attacker.ts';
import { seededDie } from './die.ts';
import { findWorkerd, residentOf } from './processes.ts';
import { RogueLink } from './rogue-link.ts';

const FRAMES = Number(process.env['FRAMES'] ?? 3_000);
/** sent at once; then a moment for whoever is hit to close */
const BATCH = 10;
const MOMENT_MS = 3;
const LOOK_EVERY = 100;
const VICTIMS = 10;
/** megabytes: far less than all that was sent and refused would fill, were any of it kept */
const MOST_GROWTH = 150;
const PATIENCE = { timeout: 120_000 + 40 * FRAMES };
const HONEST = 'anvil';
const ROGUE = 'rogue';

const { seed, chance } = seededDie();
let product: Product;
let owner: Person;
let key: ProofKey;
let attacked: Address;
let page: NodePage;
let terminal: PageTerminal;
let echoed = '';
let typed = '';

beforeAll(async () => {
  product = await startProduct();
  owner = await signUp(product.origin, 'chaos', 'a long enough password');
  key = await owner.key;
  await product.addRunner(owner, HONEST);
  attacked = { origin: product.origin, workspaceId: await startWorkspace(owner, 'attacked') };
  page = await NodePage.load(owner, attacked, key);
  terminal = await page.terminal(null, (bytes) => (echoed += Buffer.from(bytes).toString()));
  terminal.type("stty raw -echo; printf 'G''O\\n'; exec cat\n");
  await until(async () => echoed.includes('GO\n'));
  echoed = '';
});

afterAll(async () => {
  page?.close();
  await product?.end();
});

const residents = () => ({ workerd: residentOf([findWorkerd() ?? 0]), runner: residentOf([product.runner(HONEST).pid ?? 0]) });

/** Somebody honest goes on working while others attack: each key comes back, over the connection that stood before. */
async function expectHonestWork(): Promise<void> {
  const word = `${typed.length} `;
  typed += word;
  terminal.type(word);
  await until(async () => echoed.length >= typed.length);
  expect(echoed).toBe(typed);
  expect(page.closes).toEqual([]);
}

async function expectBounded(attack: () => Promise<void>): Promise<void> {
  const before = residents();
  await attack();
  const after = residents();
  expect(after.workerd - before.workerd).toBeLessThan(MOST_GROWTH);
  expect(after.runner - before.runner).toBeLessThan(MOST_GROWTH);
}

test(`F4, O4: a viewer that sends nonsense (seed ${seed}) loses its own socket, and nobody else anything`, PATIENCE, async () => {
  let attackers = 0;
  await expectBounded(async () => {
    let attacker: Attacker | null = null;
    for (let sent = 0; sent < FRAMES; sent += BATCH) {
      while (attacker?.isOpen !== true) {
        attacker = await Attacker.admitted(attacked, owner.cookie, key);
        if (attacker === null) await sleep(1_000);
        else attackers++;
      }
      for (let count = 0; count < BATCH; count++) attack(attacker);
      await sleep(MOMENT_MS);
      if (sent % LOOK_EVERY === 0) await expectHonestWork();
    }
    attacker?.close();
  });
  await expectHonestWork();
  expect(attackers).toBeGreaterThan(1);
  process.stdout.write(`${FRAMES} frames of ${attackers} attackers\n`);
});

/** Mostly under good keys, so that it gets as far as it can; what can't be opened ends the attacker at once. */
function attack(attacker: Attacker): void {
  const { type: any, stream, offset, payload } = mutateFrame(chance);
  // The broker takes those for itself, and closes.
  const type = any === 'control' && !chance.oneIn(50) ? 'message' : any;
  const number = type === 'open' && !chance.oneIn(100) ? attacker.stream + 2 : stream;
  attacker.send(type, number, offset, payload, chance.oneIn(200) ? () => mutateMessage(chance) : null);
  if (chance.oneIn(1_000) && attacker.isOpen) attacker.text('nonsense');
}

test(`F4, O5: a runner that sends nonsense (seed ${seed}) loses its link and its viewers, and nobody else anything`, PATIENCE, async () => {
  await product.addRunner(owner, ROGUE);
  const { items } = await owner.call<{ items: { id: string; name: string }[] }>('GET', '/runners');
  const workspaceId = await startWorkspace(owner, 'stolen', items.find(({ name }) => name === ROGUE)?.id);
  // Its control link stays; what was its workspace's link is taken from it.
  product.runner(ROGUE).kill('SIGSTOP');
  const victims: WebSocket[] = [];
  try {
    const dial = () => RogueLink.dial(product.origin, join(product.stateDir, `runner-${ROGUE}`), workspaceId);
    await expectBounded(async () => {
      let [link, dials] = [await dial(), 1];
      for (let sent = 0; sent < FRAMES; sent += BATCH) {
        if (!link.isOpen) [link, dials] = [await dial(), dials + 1];
        if (sent % (FRAMES / VICTIMS) === 0) victims.push(await dialledViewer({ ...attacked, workspaceId }));
        for (let count = 0; count < BATCH; count++) link.send(nonsense());
        await sleep(MOMENT_MS);
        if (sent % LOOK_EVERY === 0) await expectHonestWork();
      }
      link.close();
      process.stdout.write(`${FRAMES} frames over ${dials} links, to ${victims.length} viewers\n`);
    });
    await Promise.all(victims.map(closed));
    // Without its link the workspace lets nobody in, and says so before the viewer gives up.
    const [code] = (await once(await dialledViewer({ ...attacked, workspaceId }), 'close')) as [number];
    expect(code).toBe(CLOSE_CODES.runnerAway.code);
    await expectHonestWork();
  } finally {
    product.runner(ROGUE).kill('SIGCONT');
  }
});

/** Its own words to the broker come seldom, because most of them close the link. */
function nonsense(): Uint8Array | string {
  if (chance.oneIn(300)) return 'nonsense';
  if (chance.oneIn(50)) return mutateMessage(chance);
  const frame = mutateFrame(chance);
  const type = frame.type === 'control' && !chance.oneIn(10) ? 'data' : frame.type;
  return encodeFrame({ ...frame, type, viewer: chance.between(0, 12) });
}

async function dialledViewer(address: Address): Promise<WebSocket> {
  const { ticket } = await workspaceApi(address, () => owner.cookie).attach(key);
  return dialWorkspace(address, owner.cookie, ticket);
}

const closed = (socket: WebSocket): Promise<unknown> => (socket.readyState === socket.CLOSED ? Promise.resolve() : once(socket, 'close'));
