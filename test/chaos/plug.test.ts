import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import type { Person } from '../../scripts/api.ts';
import { type Chance } from '../support/chance.ts';
import { serveGit } from '../support/git-server.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';
import { waitingOutbox } from './archive.ts';
import { seededDie } from './die.ts';
import { killWorkerd } from './kill.ts';
import { killSandboxes, sandboxes } from './processes.ts';
import { SCENES, type Scene, type Stage } from './scenes.ts';
import { makeSystem } from './system.ts';
import { type Space, START, STOP } from './space.ts';

/**
 * Pulls the plug at each step of a workspace's life, all steps at once, and looks whether what is told afterwards is so.
 * SEED repeats a course, CHAOS_ROUNDS has more of them, in each way to pull it; without, the seed picks two.
 */
const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 1);
const PATIENCE_S = 60;
const RUNNER = 'anvil';

const { seed, chance, roll } = seededDie();
let product: Product;
let git: Awaited<ReturnType<typeof serveGit>>;
let owner: Person;
let stage: Stage;
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-plug-'));
/** those who came to clone while that is held */
let cloning: Array<() => void> = [];
let cloneHeld = true;
let began = Promise.withResolvers<undefined>();

beforeAll(async () => {
  product = await startProduct({ POLICY_EGRESS: 'open' }, 1000);
  owner = await signUp(product.origin, 'plug', 'a long enough password');
  await owner.call('PUT', '/tenant/policy', { values: { egress: 'open' } }, { 'If-Match': '"0"' });
  await product.addRunner(owner, RUNNER);
  git = await serveGit(makeRepository(), folder, () => {
    began.resolve(undefined);
    return cloneHeld ? new Promise((go) => cloning.push(go)) : Promise.resolve();
  });
  const spec = { driver: 'bubblewrap', startupScript: START, stopScript: STOP };
  const make = async (name: string, more: object) =>
    (await owner.call<{ id: string }>('POST', '/templates', { name, spec: { ...spec, ...more } })).id;
  const templates = {
    plain: await make('plain', {}),
    cloning: await make('cloning', { repository: git.url }),
    waiting: await make('waiting', { startupScript: `[ -e .been ] || touch hold-start .been\n${START}` }),
  };
  await owner.call('POST', `/templates/${templates.plain}/versions`, { spec: { ...spec, environment: { NEWER: 'yes' } } });
  const versions = await owner.call<{ items: Array<{ id: string; number: number }> }>('GET', `/templates/${templates.plain}/versions`);
  stage = {
    ...{ owner, templates, roll, workspaces: join(product.stateDir, `runner-${RUNNER}`, 'workspaces') },
    older: versions.items.find(({ number }) => number === 1)?.id ?? '',
    cloneBegan: () => began.promise,
    makeSystem: () => makeSystem(folder),
    bytes: noise(chance),
  };
});

afterAll(async () => {
  await product?.end();
  for (const go of cloning) go();
  await git?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Bytes by the seed. A cipher makes them, because one by one they would keep this process busy for seconds: the
 * connections that it keeps would be closed at the other end, and what it serves would not answer.
 */
function noise(chance: Chance): (count: number) => Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, String(chance.between(0, 2 ** 31))), Buffer.alloc(16));
  return (count) => cipher.update(Buffer.alloc(count));
}

function makeRepository(): string {
  const repository = join(folder, 'source');
  const run = (...args: string[]) => execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@x.test', ...args]);
  run('init', '--quiet', repository);
  writeFileSync(join(repository, 'README'), 'cloned');
  run('-C', repository, 'add', '.');
  run('-C', repository, 'commit', '--quiet', '-m', 'one');
  return repository;
}

interface Act {
  step: string;
  scene: Scene;
  space: Space;
}

/** Brings a workspace to each step, all beside each other; last those that can't be kept there for long. */
async function setAll(round: string): Promise<Act[]> {
  cloneHeld = true;
  began = Promise.withResolvers();
  const set = async ([step, scene]: [string, Scene], index: number): Promise<Act> => {
    const space = await scene.set(stage, `${round}-${scene.late ? 'late-' : ''}${index}`).catch((cause: unknown) => {
      throw new Error(`“${step}” can't be set: ${product.runnerLog.slice(-20).join('\n')}`, { cause });
    });
    return { step, scene, space };
  };
  const scenes = Object.entries(SCENES);
  const early = await Promise.all(scenes.filter(([, { late }]) => !late).map(set));
  return [...early, ...(await Promise.all(scenes.filter(([, { late }]) => late).map(set)))];
}

/** Nothing holds anything any more. */
function letAllGo(acts: Act[]): void {
  cloneHeld = false;
  for (const go of cloning) go();
  cloning = [];
  for (const { space } of acts) space.release();
}

async function settled(acts: Act[]): Promise<void> {
  const isThere = async ({ scene, space }: Act) => {
    const told = await space.told().catch(() => undefined);
    if (told === undefined) return false;
    if (scene.ends === 'deleted' || told === null) return told === null;
    return told.phase === (scene.ends === 'running' ? 'running' : 'stopped') || told.phase === 'failed';
  };
  await until(async () => (await Promise.all(acts.map(isThere))).every(Boolean), PATIENCE_S).catch(async (late: unknown) => {
    const left = await Promise.all(acts.map(async (act) => [act.step, await isThere(act), (await act.space.told())?.state]));
    throw new Error(
      `Not settled: ${JSON.stringify(left.filter(([, there]) => there === false))}\n${product.runnerLog.slice(-30).join('\n')}`,
      {
        cause: late,
      },
    );
  });
}

/** In the order in which they happened: what was committed right before a kill is recorded after it. */
async function eventsOf(space: Space): Promise<AuditEvent[]> {
  const filter = encodeURIComponent(`resource.id eq "${space.id}"`);
  const { items } = await owner.call<{ items: AuditEvent[] }>('GET', `/audit/events?limit=200&order=asc&filter=${filter}`);
  return items
    .filter(({ action }) => action.startsWith('workspace.') && action !== 'workspace.read')
    .sort((one, other) => Date.parse(one.time) - Date.parse(other.time));
}

const OUTCOMES = ['workspace.running', 'workspace.stopped', 'workspace.deleted'];

/** What is told of a workspace, beside what there is of it on the machine. */
async function judge({ step, scene, space }: Act, power: boolean, live: Map<string, Set<string>>): Promise<unknown> {
  const told = await space.told();
  const events = await eventsOf(space);
  const wishes = events.filter(({ action }) => !OUTCOMES.includes(action)).map(({ action }) => action);
  const outcomes = events
    .filter(({ action }) => OUTCOMES.includes(action))
    .map(({ action, details }) => `${action} ${details['generation']}`);
  const sandboxCount = live.get(space.id)?.size ?? 0;
  return {
    step,
    state: told === null ? 'deleted' : told.state.kind,
    said: told === null || (told.state.sentence.length > 10 && told.state.ways.length > 0),
    sandboxes: sandboxCount,
    folder: existsSync(space.folder),
    trace: existsSync(join(space.folder, 'sandbox.json')),
    whole: scene.ends === 'deleted' || space.isWhole,
    starts: space.starts.every((line, index) => line === `start ${index + 1}`),
    wishes,
    // A machine without power starts again what ran, under the same wish.
    outcomes: power ? [...new Set(outcomes)].length > 0 : outcomes.length === new Set(outcomes).size,
    last: outcomes.at(-1)?.split(' ')[0],
  };
}

function due({ step, scene }: Act): unknown {
  const runs = scene.ends === 'running';
  return {
    ...{ step, state: scene.ends, said: true, whole: true, starts: true, wishes: scene.wishes, outcomes: true },
    ...{ sandboxes: runs ? 1 : 0, folder: scene.ends !== 'deleted', trace: runs },
    last: { running: 'workspace.running', stopped: 'workspace.stopped', trashed: 'workspace.stopped', deleted: 'workspace.deleted' }[
      scene.ends
    ],
  };
}

type Pull = 'runner' | 'runner and sandboxes' | 'runner and platform' | 'platform';

async function pull(what: Pull, acts: Act[]): Promise<void> {
  await Promise.all(acts.map(({ scene, space }) => scene.last?.(stage, space)));
  switch (what) {
    case 'runner':
      return product.killRunner(RUNNER, () => letAllGo(acts));
    case 'runner and sandboxes':
      return product.killRunner(RUNNER, () => {
        killSandboxes(product.stateDir);
        letAllGo(acts);
      });
    case 'platform':
      await killWorkerd(product, 1 + roll(2));
      return letAllGo(acts);
    case 'runner and platform':
      await Promise.all([killWorkerd(product, 1 + roll(2)), product.killRunner(RUNNER, () => letAllGo(acts))]);
  }
}

const WAYS: Pull[] = ['runner', 'runner and sandboxes', 'runner and platform', 'platform'];
const first = roll(WAYS.length);
const PULLS = process.env['CHAOS_ROUNDS'] === undefined ? WAYS.filter((_, index) => (index - first + WAYS.length) % 2 === 0) : WAYS;

test.each<Pull>(PULLS)(
  `with %s killed at each step of a workspace’s life (seed ${seed}), what is told is true and nothing is lost`,
  { timeout: ROUNDS * 180_000 },
  async (what) => {
    for (let round = 0; round < ROUNDS; round++) {
      const acts = await setAll(`${what.replaceAll(' ', '-')}-${round}`);
      await pull(what, acts);
      await settled(acts);
      await until(async () => (await waitingOutbox(product)).length === 0, PATIENCE_S);
      // What a killed runner had begun to start ends by itself, as soon as it has come up.
      const runs = acts.filter(({ scene }) => scene.ends === 'running').length;
      const count = () => [...sandboxes(product.stateDir).values()].reduce((sum, { size }) => sum + size, 0);
      await until(() => Promise.resolve(count() === runs), 10).catch(() => undefined);
      const live = sandboxes(product.stateDir);
      for (const act of acts) expect(await judge(act, what === 'runner and sandboxes', live)).toEqual(due(act));
      expect([...live.keys()].filter((id) => !acts.some(({ space }) => space.id === id))).toEqual([]);
      await clear(acts);
    }
  },
);

/** Room for the next round, by what people would do. */
async function clear(acts: Act[]): Promise<void> {
  await Promise.all(
    acts.map(async ({ scene, space }) => {
      if (scene.ends === 'deleted') return;
      if (scene.ends !== 'trashed') await space.ask('DELETE');
      await space.ask('POST', '/purge');
    }),
  );
  await until(async () => (await Promise.all(acts.map(({ space }) => space.told()))).every((told) => told === null), PATIENCE_S);
  expect([...sandboxes(product.stateDir).keys()]).toEqual([]);
  const systems = readdirSync(join(product.stateDir, `runner-${RUNNER}`, 'rootfs'));
  expect(systems.filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
  expect(acts.filter(({ space }) => existsSync(space.folder)).map(({ step }) => step)).toEqual([]);
}
