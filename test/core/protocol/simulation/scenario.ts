import { cut } from './wire.ts';
import type { Page } from './page.ts';
import type { Place } from './platform.ts';
import { Simulation } from './simulation.ts';

const QUIET_MS = 11 * 60_000;
const MOST_TYPISTS = 17;
const MOST_PRINTED = 4_000_000;

/** A course of things that a seed decides: people come, type, watch, stall and leave, and whatever can be cut is cut. */
export async function play(seed: number, place: Place): Promise<Simulation> {
  const simulation = new Simulation(seed, place);
  try {
    await new Scenario(simulation).play();
  } finally {
    simulation.world.end();
  }
  return simulation;
}

class Scenario {
  readonly #simulation: Simulation;
  readonly #actions: readonly (() => void)[];

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    const often = (times: number, act: () => void) => Array.from({ length: times }, () => act);
    this.#actions = [
      ...often(20, () => this.#type()),
      ...often(6, () => this.#print()),
      ...often(3, () => this.#resize()),
      ...often(4, () => this.#cutPage()),
      ...often(1, () => this.#cutLink()),
      ...often(2, () => this.#simulation.platform.broker.evict()),
      ...often(1, () => this.#restart()),
      ...often(2, () => this.#freeze()),
      ...often(2, () => this.#stall()),
      ...often(1, () => this.#reload()),
      ...often(1, () => this.#come()),
      ...often(1, () => this.#leave()),
      ...often(2, () => this.#handOver()),
    ];
  }

  async play(): Promise<void> {
    const { world, platform, pages } = this.#simulation;
    const { chance } = world;
    const [owner] = platform.place.people;
    await world.pass(chance.between(0, 200));
    this.#simulation.open(owner).create();
    const turns = chance.between(20, 80);
    for (let turn = 0; turn < turns; turn++) {
      await world.pass(chance.oneIn(4) ? chance.between(100, 4000) : chance.between(0, 60));
      chance.pick(this.#actions)();
    }
    for (const page of pages) {
      page.thaw();
      for (const { screen } of page.panes) screen.goOn();
    }
    await world.pass(QUIET_MS);
    for (const page of pages) void page.refresh();
    await world.pass(QUIET_MS / 2);
    // not while a ping is on its way
    for (let tries = 0; tries < 20 && this.#simulation.hasTimers; tries++) await world.pass(50);
  }

  /** In some millisecond of the next seconds, or never. */
  readonly #noticed = (): number => {
    const { chance } = this.#simulation.world;
    return chance.oneIn(6) ? Infinity : chance.between(0, chance.oneIn(3) ? 5000 : 50);
  };

  #somePage(): Page {
    return this.#simulation.world.chance.pick(this.#simulation.pages);
  }

  #type(): void {
    const page = this.#somePage();
    for (let times = this.#simulation.world.chance.between(1, 5); times > 0; times--) this.#simulation.type(page);
  }

  #print(): void {
    const { world, sandbox } = this.#simulation;
    if (sandbox.programs.size === 0) return;
    const program = world.chance.pick([...sandbox.programs.values()]);
    const bytesPerMs = world.chance.pick([1, 20, 400, 3000]);
    if (program.pty.end < MOST_PRINTED) program.print(bytesPerMs * world.chance.between(1, 500), bytesPerMs);
  }

  #resize(): void {
    const { chance } = this.#simulation.world;
    for (const { link } of this.#somePage().panes) link.wish({ cols: chance.between(20, 200), rows: chance.between(5, 60) });
  }

  #cutPage(): void {
    const { end } = this.#somePage();
    if (end !== null) cut(end, [this.#noticed(), this.#noticed()]);
  }

  #cutLink(): void {
    const { end } = this.#simulation.runner;
    if (end !== null) cut(end, [this.#noticed(), this.#noticed()]);
  }

  #restart(): void {
    this.#simulation.platform.broker.restart(this.#noticed);
  }

  #freeze(): void {
    const page = this.#somePage();
    const { clock, chance } = this.#simulation.world;
    page.freeze();
    clock.after(chance.between(10, 20_000), () => page.thaw());
  }

  #stall(): void {
    const { clock, chance } = this.#simulation.world;
    for (const { screen } of this.#somePage().panes) {
      screen.stalled = true;
      clock.after(chance.between(10, 20_000), () => screen.goOn());
    }
  }

  #reload(): void {
    if (this.#simulation.typists.length < MOST_TYPISTS) this.#simulation.reload(this.#somePage());
  }

  #come(): void {
    const { world, platform, pages, typists } = this.#simulation;
    if (pages.length < 5 && typists.length < MOST_TYPISTS) this.#simulation.open(world.chance.pick(platform.place.people));
  }

  /** One of the owner's stays. */
  #leave(): void {
    const page = this.#somePage();
    const owners = this.#simulation.pages.filter(({ person }) => person.access === 'own');
    if (page.person.access !== 'own' || owners.length > 1) this.#simulation.leave(page);
  }

  #handOver(): void {
    const page = this.#somePage();
    const { presence, connection } = page;
    if (!page.isConnected || presence === null) return;
    const to = this.#simulation.world.chance.pick(presence.viewers).viewer;
    // whatever is refused of it is refused
    connection.call(page.mayType ? { method: 'drive.give', viewer: to } : { method: 'drive.take' }).catch(() => undefined);
  }
}
