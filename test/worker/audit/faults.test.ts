import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { archived } from '../../support/audit.ts';
import { Chance } from '../../support/chance.ts';
import type { When } from '../../support/fuse.ts';
import { KINDS, type Kind } from '../../support/siem-api.ts';
import { judge } from '../../support/trail-judgement.ts';
import { TrailWorld, type Place } from '../../support/trail-world.ts';

vi.setConfig({ testTimeout: 300_000 });

const SEED = env.TEST_SEED ? Number(env.TEST_SEED) : 1;

/** Something goes wrong once, and then for so long that somebody has to mend it; with a seed of one's own, also a few times. */
const TIMES = env.TEST_SEED ? ([1, 3, -1] as const) : ([1, -1] as const);
type Times = (typeof TIMES)[number];
/** How long the last of it lasts, in minutes; and where a queue takes nothing. */
const LONG = 4;
const QUEUE_DOWN = 11;

/** Destinations of a world in which not they are what fails; with a seed of one's own, all that there are. */
const FEW: readonly Kind[] = env.TEST_SEED ? KINDS : ['splunk-hec', 's3'];

interface Fault {
  strike(world: TrailWorld, times: Times): unknown;
  heal?(world: TrailWorld): unknown;
  long?: number;
}

const disarm = ({ fuse }: TrailWorld) => fuse.disarm();

/** People go on with their work. */
async function work(world: TrailWorld): Promise<void> {
  for (let count = world.chance.between(1, 2); count > 0; count--) {
    await world.make();
    if (world.chance.oneIn(3)) await world.pass(0.1);
  }
  await world.refuse();
}

/** The story that every fault is told in. What is true at its end is the same for all. */
async function story({ strike, heal = disarm, long = LONG }: Fault, kinds = FEW): Promise<TrailWorld> {
  const world = await TrailWorld.begin(new Chance(SEED), kinds);
  await work(world);
  await world.pass(0.5);
  for (const times of TIMES) {
    await strike(world, times);
    await work(world);
    await world.pass(times === -1 ? long : 1);
  }
  await heal(world);
  await work(world);
  await world.quiet();
  await judge(world);
  return world;
}

/** People never wait for what comes behind their change, and none of their changes fails because of it. */
function expectUndisturbed({ asked }: TrailWorld): void {
  const told = { made: 201, refused: 403, stale: 412 };
  for (const { what, name, status } of asked) expect(status, `${what} ${name}`).toBe(told[what]);
}

describe(`a request meets a fault (SEED=${SEED})`, () => {
  test.each<[string, string, When, number[]]>([
    ['D1 does not take the change: it fails, and there is no event', 'api.d1.batch', 'before', [201, 500]],
    ['D1 takes the change, and its answer is lost: there is one event', 'api.d1.batch', 'after', [201, 409]],
    ['the ledger is not reached', 'api.ledger.append', 'before', [201]],
    ['the ledger records, and its answer is lost', 'api.ledger.append', 'after', [201]],
  ])('%s', async (_, point, when, statuses) => {
    const world = await story({ strike: ({ fuse }, times) => fuse.arm(point, when, times) });
    const made = world.asked.filter(({ what }) => what === 'made').map(({ status }) => status);
    expect([...new Set(made)].sort()).toEqual(statuses);
  });

  test.each<[string, string, When]>([
    ['before it is called', 'api.ledger.append', 'before'],
    ['after it has recorded', 'api.ledger.append', 'after'],
    ['while an alarm’s work goes on', 'archive.send', 'before'],
    ['while a segment is archived', 'ledger.archived', 'before'],
    ['while a batch is delivered', 'ledger.advance', 'before'],
  ])('the ledger’s object is thrown out of memory %s', async (_, point, when) => {
    expectUndisturbed(await story({ strike: (world, times) => world.fuse.arm(point, when, times, world.evict) }));
  });
});

const CALLS: ReadonlyArray<[does: string, point: string, when: When]> = [
  ['the alarm throws before it has done anything', 'alarm', 'before'],
  ['the alarm throws when all is done', 'alarm', 'after'],
  ['D1 does not clear the outbox', 'ledger.d1.batch', 'before'],
  ['D1 clears the outbox, and its answer is lost', 'ledger.d1.batch', 'after'],
  ['the queue takes no segment', 'archive.send', 'before'],
  ['the queue takes a segment, and its answer is lost', 'archive.send', 'after'],
  ['the queue loses segments', 'archive.lost', 'before'],
  ['the queue brings segments twice', 'archive.twice', 'before'],
  ['the queue takes no doorbell', 'delivery.send', 'before'],
  ['the queue loses doorbells', 'delivery.lost', 'before'],
  ['the queue brings doorbells twice', 'delivery.twice', 'before'],
  ['the queues bring everything in any order', 'queue.order', 'before'],
  ['the archive’s consumer does not get the segment', 'ledger.segment', 'before'],
  ['the archive’s consumer dies between the segment and the file', 'ledger.segment', 'after'],
  ['R2 does not take the file', 'r2.put file', 'before'],
  ['R2 takes the file, and its answer is lost', 'r2.put file', 'after'],
  ['R2 does not take the proof', 'r2.put proof', 'before'],
  ['R2 takes the proof, and its answer is lost', 'r2.put proof', 'after'],
  ['R2 does not take the newest checkpoint', 'r2.put latest', 'before'],
  ['R2 takes the newest checkpoint, and its answer is lost', 'r2.put latest', 'after'],
  ['the ledger is not told that a segment is archived', 'ledger.archived', 'before'],
  ['the ledger is told that a segment is archived, and its answer is lost', 'ledger.archived', 'after'],
  ['the delivery’s consumer dies before it has a lease', 'ledger.claim', 'before'],
  ['the delivery’s consumer dies with a lease', 'ledger.claim', 'after'],
  ['the delivery’s consumer dies after it has sent', 'ledger.advance', 'before'],
  ['the delivery’s consumer dies after the cursor has moved', 'ledger.advance', 'after'],
];

describe(`the trail behind a change meets a fault (SEED=${SEED})`, () => {
  test.each(CALLS)('%s', async (_, point, when) => {
    const long = point.endsWith('.send') ? QUEUE_DOWN : LONG;
    const world = await story({ strike: ({ fuse }, times) => fuse.arm(point, when, times), long });
    expect(world.fuse.blown).toBeGreaterThanOrEqual(TIMES.length);
    expectUndisturbed(world);
  });

  test('an alarm is lost', async () => {
    expectUndisturbed(await story({ strike: (world) => world.loseAlarm() }));
  });

  test('the delivery’s consumer dies before and after it writes down that a destination failed', async () => {
    for (const when of ['before', 'after'] as const)
      expectUndisturbed(
        await story({
          strike: async (world, times) => {
            world.fuse.arm('ledger.fail', when, times);
            for (const { receiver } of world.places) await receiver.answer({ status: 503, times: 2 });
          },
        }),
      );
  });

  test('a message is given up: it lies among the dead letters, and the ledger announces the segment again', async () => {
    const before = await archived('dead-letters/');
    const world = await story({ strike: ({ fuse }, times) => fuse.arm('r2.put file', 'before', times), long: 30 });
    expectUndisturbed(world);
    const letters = (await archived('dead-letters/')).filter((key) => !before.includes(key));
    const bodies = await Promise.all(letters.map(async (key) => (await env.AUDIT_ARCHIVE.get(key))?.json<{ body: unknown }>()));
    expect(bodies.map((letter) => letter?.body)).toContainEqual(expect.objectContaining({ tenantId: world.tenant.tenantId }));
  });
});

describe(`small files become a day’s file (SEED=${SEED})`, () => {
  test.each<[string, string]>([
    ['the day’s file', 'r2.put file'],
    ['what it says of itself', 'r2.put index'],
    ['its proof', 'r2.put proof'],
    ['telling the ledger', 'ledger.compacted'],
    ['the deletion of the small ones', 'r2.delete'],
    ['telling that they are deleted', 'ledger.discarded'],
  ])('and whoever makes it dies before or after %s', async (_, point) => {
    const world = await TrailWorld.begin(new Chance(SEED), FEW);
    for (const [when, times] of [
      ['before', 1],
      ['after', 1],
      ['before', -1],
      ['after', 3],
    ] as const) {
      for (let segment = 0; segment < 2; segment++) {
        await work(world);
        await world.pass(0.5);
      }
      await world.quiet();
      world.nextNight();
      world.fuse.arm(point, when, times);
      await world.pass(5);
      world.fuse.disarm();
      await world.pass(35);
    }
    await world.quiet();
    await judge(world);
    const keys = (await archived(`${world.tenant.tenantId}/2`)).filter((key) => key.endsWith('.index.json'));
    expect(keys.length).toBeGreaterThanOrEqual(3);
    expectUndisturbed(world);
  });
});

/** A fault of every destination at the same time, or of those of some kinds. */
interface Outage {
  strike(place: Place, times: Times): unknown;
  kinds?: readonly Kind[];
  /** what a person has to do when it is over */
  after?(world: TrailWorld, place: Place): unknown;
}

async function outage({ strike, kinds, after }: Outage): Promise<TrailWorld> {
  const those = ({ places }: TrailWorld) => places.filter(({ kind }) => kinds?.includes(kind) ?? true);
  const fault: Fault = {
    strike: async (world, times) => {
      for (const place of those(world)) {
        await after?.(world, place);
        await strike(place, times);
      }
    },
    heal: async (world) => {
      for (const place of those(world)) {
        await place.receiver.heal();
        await after?.(world, place);
      }
    },
  };
  return story(fault, KINDS);
}

const instead = (status: number, more: { headers?: Record<string, string>; body?: string; taken?: boolean } = {}) => ({
  strike: ({ receiver }: Place, times: Times) => receiver.answer({ status, times, ...more }),
});
const SLOW_DOWN = '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
const GARBAGE = '<html>\u0000\uFFFD"{[ not what it should be';

/** Its yes is in the words of its answer. To the others 200 is a yes, whatever it says. */
const WORDED: readonly Kind[] = ['splunk-hec', 'elastic', 'datadog'];

const OUTAGES: ReadonlyArray<[does: string, outage: Outage]> = [
  ['answer 401', instead(401)],
  ['answer 403', instead(403)],
  ['answer 429 with Retry-After', instead(429, { headers: { 'Retry-After': '7' } })],
  ['answer 500', instead(500)],
  ['answer 503, as S3 does when it is too much', instead(503, { body: SLOW_DOWN })],
  ['answer 500 with garbage', instead(500, { body: GARBAGE })],
  ['answer 200 with garbage', { ...instead(200, { body: GARBAGE }), kinds: WORDED }],
  ['take everything, and answer 500', instead(500, { taken: true })],
  ['break the connection', { strike: ({ receiver }, times) => receiver.reset(times) }],
  ['take everything, and break the connection', { strike: ({ receiver }, times) => receiver.drop(times) }],
  [
    'answer 413 to more than a few events: batches become smaller',
    { strike: ({ receiver }) => receiver.set({ maxBytes: 4_000 }), kinds: ['splunk-hec', 'datadog', 'elastic', 'sentinel'] },
  ],
  [
    'answer 410: a webhook is paused until somebody resumes it',
    { ...instead(410), kinds: ['webhook'], after: (world, place) => place.receiver.heal().then(() => world.resume(place)) },
  ],
  [
    'refuse a part of a batch for now, as Elasticsearch does',
    { strike: ({ receiver }) => receiver.set({ reject: { from: 1, count: 1_000 } }), kinds: ['elastic'] },
  ],
  [
    'do not let Sentinel’s sender sign in',
    { strike: ({ receiver }, times) => receiver.answer({ status: 503, times, path: 'token' }), kinds: ['sentinel'] },
  ],
  ['revoke the token of Sentinel’s sender', { strike: ({ receiver }) => receiver.set({ revoke: true }), kinds: ['sentinel'] }],
];

describe(`destinations (SEED=${SEED})`, () => {
  test.each(OUTAGES)('%s', async (_, fault) => {
    expectUndisturbed(await outage(fault));
  });

  test('do not answer in time', async () => {
    const real = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => real(Math.min(ms, 60)));
    try {
      const world = await story(
        {
          strike: async (world, times) => {
            for (const { receiver } of world.places) await receiver.hold();
            await work(world);
            await world.pass(0.2);
            if (times === -1) return;
            for (const { receiver } of world.places) await receiver.heal();
          },
          heal: async (world) => {
            for (const { receiver } of world.places) await receiver.heal();
          },
        },
        KINDS,
      );
      expectUndisturbed(world);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test.each<[string, When | null]>([
    ['refuse one event for good', null],
    ['refuse one event, and the consumer dies before it is set aside', 'before'],
    ['refuse one event, and the consumer dies after it was set aside', 'after'],
  ])('%s: the others arrive, in order', async (_, when) => {
    const refusing: readonly Kind[] = ['splunk-hec', 'elastic', 'datadog', 'sentinel'];
    let poisons = 0;
    const world = await story(
      {
        strike: async (world, times) => {
          for (const { kind, receiver } of world.places) if (refusing.includes(kind)) await receiver.set({ malformed: '"Poison' });
          if (when) world.fuse.arm('ledger.setAside', when, times);
          await world.make(`Poison ${(poisons += 1)}`);
        },
      },
      KINDS,
    );
    const poison = (await world.tenant.events()).filter(({ resource }) => resource.name.startsWith('Poison')).map(({ seq }) => seq);
    expect(poison).toHaveLength(TIMES.length);
    for (const { kind, id } of world.places) {
      const aside = (await world.tenant.ledger.setAsideAfter(id, 0, 100)).map(({ seq }) => seq);
      expect(aside, kind).toEqual(refusing.includes(kind) ? poison : []);
    }
    expectUndisturbed(world);
  });
});
