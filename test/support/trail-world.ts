import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { consume } from '../../worker/audit/consumers.ts';
import { sweepOutbox } from '../../worker/audit/sweep.ts';
import type { Services, UserContext } from '../../worker/platform/context.ts';
import { appFor } from './api.ts';
import { mintTenant, type TestTenant } from './audit.ts';
import type { Chance } from './chance.ts';
import { Fuse } from './fuse.ts';
import { addDestination, KINDS, receiverOf, type Kind, type Receiver } from './siem-api.ts';

/** Further ahead than any alarm that the test lets run by itself. */
const AHEAD_MS = 24 * 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** What is due within so long happens together. */
const GRAIN_MS = 2_000;
const SWEEP_MS = 60_000;
/** As wrangler.toml has them. */
const MAX_RETRIES = 10;
const BATCH = 20;
/** The platform repeats an alarm that threw so often, and then no more. */
const ALARM_TRIES = 6;
/** The doubles' clocks may be so far from ours. */
const CLOCK_MS = 5 * 60_000;

interface Waiting {
  queue: string;
  body: unknown;
  attempts: number;
  at: number;
}

export interface Place {
  kind: Kind;
  id: string;
  receiver: Receiver;
}

/** What somebody asked for, and what they were told. */
export interface Asked {
  what: 'made' | 'refused' | 'stale';
  name: string;
  status: number;
}

/**
 * One organisation, its destinations, and the platform below: queues, alarms and the minute's sweep, on a clock of the test's.
 * The product's own code runs in all of it; whatever it calls goes through a fuse.
 */
export class TrailWorld {
  readonly tenant: TestTenant = mintTenant();
  readonly fuse = new Fuse();
  readonly asked: Asked[] = [];
  readonly places: Place[] = [];
  readonly chance: Chance;
  #time = Date.now() + AHEAD_MS;
  #clocksAt = 0;
  #waiting: Waiting[] = [];
  #deferred: Array<Promise<unknown>> = [];
  #sweepAt = 0;
  #alarm = { tries: 0, at: 0 };
  #names = 0;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  /** @param kinds of its destinations */
  static async begin(chance: Chance, kinds: readonly Kind[] = KINDS): Promise<TrailWorld> {
    const world = new TrailWorld(chance);
    await world.#seat();
    for (const kind of kinds) {
      const receiver = await receiverOf(kind);
      const { id } = await addDestination(world.person('owner'), receiver.body);
      world.places.push({ kind, id, receiver });
    }
    await world.#settle();
    return world;
  }

  readonly now = (): Date => new Date(this.#time);

  /** What the product runs on, named by who uses it: `api.d1.batch`, `sweep.ledger.append`, `r2.put segment`. */
  services(who: 'api' | 'sweep' | 'consumer' | 'ledger'): Services {
    const { fuse } = this;
    const real = this.tenant.services;
    const { append } = real.ledger;
    const open: Services['ledger']['open'] = (...where) => fuse.breakable(real.ledger.open(...where), (method) => `ledger.${method}`);
    return {
      ...real,
      now: this.now,
      archive: this.bucket(),
      defer: (work) => void this.#deferred.push(work),
      tenantDb: (...where) => fuse.breakable(real.tenantDb(...where), (method) => `${who}.d1.${method}`),
      ledger: { ...real.ledger, open, append: (...what) => fuse.around(`${who}.ledger.append`, () => append(...what)) },
    };
  }

  bucket(): R2Bucket {
    return this.fuse.breakable(env.AUDIT_ARCHIVE, (method, [key]) => (method === 'put' ? `r2.put ${sortOf(String(key))}` : `r2.${method}`));
  }

  person(...roles: Parameters<TestTenant['as']>): UserContext {
    const services = this.services('api');
    return { ...this.tenant.as(...roles), ...services, db: services.tenantDb('s0', this.tenant.tenantId) };
  }

  /** Somebody makes a group, and asks again when that seems to have failed. */
  async make(name = `Group ${(this.#names += 1)}`): Promise<void> {
    const create = () => this.#ask('owner', 'POST', '/groups', { name });
    let status = await create();
    if (status === 500) status = await create();
    this.asked.push({ what: 'made', name, status });
    await this.#settle();
  }

  /** Somebody may not, and somebody else has not seen the newest version. */
  async refuse(): Promise<void> {
    const name = `Group ${(this.#names += 1)}`;
    this.asked.push({ what: 'refused', name, status: await this.#ask('member', 'POST', '/groups', { name }) });
    const [row] = await this.tenant.services
      .tenantDb('s0', this.tenant.tenantId)
      .rows<{ id: string; name: string }>(
        'SELECT id, name FROM groups WHERE tenant_id = ? ORDER BY created_at LIMIT 1',
        this.tenant.tenantId,
      );
    if (row)
      this.asked.push({
        what: 'stale',
        name: row.name,
        status: await this.#ask('owner', 'PATCH', `/groups/${row.id}`, { description: 'New' }, { 'If-Match': '"99"' }),
      });
    await this.#settle();
  }

  /** Somebody looks after a destination. */
  async resume({ id }: Place): Promise<void> {
    await this.#ask('owner', 'POST', `/siem-destinations/${id}/resume`, {});
    await this.#settle();
  }

  async #ask(role: 'owner' | 'member', method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<number> {
    const response = await appFor(this.person(role)).request(`https://gatehouse.test/api/v1${path}`, {
      method,
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    return response.status;
  }

  /** Whatever is due in so many minutes happens, one after the other. */
  async pass(minutes: number): Promise<void> {
    const until = this.#time + minutes * 60_000;
    for (;;) {
      const due = await this.#nextDue();
      if (due > until) break;
      this.#time = Math.max(this.#time + GRAIN_MS, due);
      await this.#happen();
    }
    this.#time = Math.max(this.#time, until);
  }

  /** Days pass in which nobody does anything: until two in the night of the next one. */
  nextNight(): void {
    this.#time += DAY_MS - (this.#time % DAY_MS) + 2 * 60 * 60_000;
  }

  async #nextDue(): Promise<number> {
    const alarm = await this.#alarmAt();
    return Math.min(this.#sweepAt, alarm, ...this.#waiting.map(({ at }) => at));
  }

  async #alarmAt(): Promise<number> {
    if (this.#alarm.tries > 0) return this.#alarm.at;
    return (await runInDurableObject(this.tenant.ledger, (_, { storage }) => storage.getAlarm())) ?? Number.POSITIVE_INFINITY;
  }

  async #happen(): Promise<void> {
    await this.#setClocks();
    if ((await this.#alarmAt()) <= this.#time) await this.#ring();
    if (this.#sweepAt <= this.#time) {
      this.#sweepAt = this.#time + SWEEP_MS;
      await sweepOutbox(this.services('sweep'));
    }
    await this.#work();
    await this.#settle();
  }

  /** The alarm; one that throws comes again, ever later, and in the end no more. */
  async #ring(): Promise<void> {
    if (this.#alarm.tries > 0) await runInDurableObject(this.tenant.ledger, (_, { storage }) => storage.setAlarm(this.#time));
    try {
      await runDurableObjectAlarm(this.tenant.ledger);
      this.#alarm = { tries: 0, at: 0 };
    } catch {
      const tries = (this.#alarm.tries + 1) % (ALARM_TRIES + 1);
      this.#alarm = { tries, at: this.#time + 2_000 * 2 ** tries };
    }
  }

  /** The queues give out what is due. What is to be retried comes later, and after many times to the dead letters. */
  async #work(): Promise<void> {
    const due = this.#waiting.filter(({ at }) => at <= this.#time);
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#time);
    if (this.fuse.blows('queue.order')) due.sort(() => this.chance.next() - 0.5);
    for (const queue of new Set(due.map((each) => each.queue))) {
      const mine = due.filter((each) => each.queue === queue);
      for (let from = 0; from < mine.length; from += BATCH) await this.#give(queue, mine.slice(from, from + BATCH));
    }
  }

  async #give(queue: string, messages: Waiting[]): Promise<void> {
    const named = messages.map(({ body, attempts }, index) => ({
      id: `${crypto.randomUUID()}-${index}`,
      timestamp: this.now(),
      attempts,
      body,
    }));
    const batch = createMessageBatch(queue, named);
    const ctx = createExecutionContext();
    await consume(batch, { ...env, AUDIT_ARCHIVE: this.bucket() }, this.services('consumer'));
    const { retryMessages } = await getQueueResult(batch, ctx);
    for (const { msgId, delaySeconds = 0 } of retryMessages) {
      const message = messages[named.findIndex(({ id }) => id === msgId)] ?? expect.fail();
      const isDead = message.attempts > MAX_RETRIES && queue !== 'gatehouse-dead';
      const next = isDead ? { queue: 'gatehouse-dead', attempts: 1 } : { queue, attempts: message.attempts + 1 };
      this.#waiting.push({ ...next, body: message.body, at: this.#time + delaySeconds * 1_000 });
    }
  }

  /** What outlives the answers comes to its end. */
  async #settle(): Promise<void> {
    while (this.#deferred.length > 0) await Promise.allSettled(this.#deferred.splice(0));
  }

  async #setClocks(): Promise<void> {
    if (this.#time - this.#clocksAt < CLOCK_MS) return;
    this.#clocksAt = this.#time;
    await Promise.all(this.places.map(({ receiver }) => receiver.clock(this.#time - Date.now())));
  }

  /** The ledger is on the test's clock and queues, also after it was thrown out of memory. */
  async #seat(): Promise<void> {
    const { fuse } = this;
    const queue = (name: string) => ({
      sendBatch: (messages: Array<{ body: unknown }>) =>
        fuse.around(`${name}.send`, async () => {
          if (fuse.blows(`${name}.lost`)) return;
          const twice = fuse.blows(`${name}.twice`);
          for (const { body } of [...messages, ...(twice ? messages : [])])
            this.#waiting.push({ queue: `gatehouse-${name}`, body, attempts: 1, at: this.#time });
        }),
    });
    const bindings = { ...env, AUDIT_ARCHIVE: this.bucket(), ARCHIVE_QUEUE: queue('archive'), DELIVERY_QUEUE: queue('delivery') };
    await runInDurableObject(this.tenant.ledger, (instance) => {
      const ring = (instance as unknown as { alarm(): Promise<void> }).alarm.bind(instance);
      Object.assign(instance, { compose: () => this.services('ledger'), env: bindings, alarm: () => fuse.around('alarm', ring) });
    });
  }

  /** The ledger is thrown out of memory: what it has is what it wrote. */
  readonly evict = async (): Promise<void> => {
    await evictDurableObject(this.tenant.ledger);
    await this.#seat();
  };

  async loseAlarm(): Promise<void> {
    this.#alarm = { tries: 0, at: 0 };
    await runInDurableObject(this.tenant.ledger, (_, { storage }) => storage.deleteAlarm());
  }

  /** Whether everything has arrived everywhere. */
  async isQuiet(): Promise<boolean> {
    const { ledger, services, tenantId } = this.tenant;
    const { size, archivedTo } = await ledger.status();
    const cursors = await ledger.deliveryStatus();
    const rows = await services.tenantDb('s0', tenantId).rows('SELECT id FROM outbox WHERE tenant_id = ?', tenantId);
    const arrived = cursors.length === this.places.length && cursors.every(({ deliveredTo }) => deliveredTo === size);
    return arrived && archivedTo === size && rows.length === 0 && this.#waiting.length === 0;
  }

  /** Time passes until everything has arrived. */
  async quiet(): Promise<void> {
    for (let round = 0; round < 40; round++) {
      if (await this.isQuiet()) return;
      await this.pass(2);
    }
    const cursors = (await this.tenant.ledger.deliveryStatus()).map(({ destinationId, deliveredTo, lastError }) => ({
      kind: this.places.find(({ id }) => id === destinationId)?.kind,
      deliveredTo,
      lastError,
    }));
    const { size, archivedTo } = await this.tenant.ledger.status();
    expect.fail(`It does not come to rest: ${JSON.stringify({ size, archivedTo, waiting: this.#waiting, cursors })}`);
  }
}

/** What kind of object of the archive a key names. */
function sortOf(key: string): string {
  if (key.startsWith('latest/')) return 'latest';
  if (key.includes('/quarantine/')) return 'quarantine';
  if (key.startsWith('dead-letters/')) return 'letter';
  if (key.endsWith('.proof')) return 'proof';
  return key.endsWith('.index.json') ? 'index' : 'file';
}
