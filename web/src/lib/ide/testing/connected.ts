import { DEFAULT_POLICY } from '@gatehouse/core/access/policy-in-force.ts';
import type { Presence, RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import { proofKeyOf } from '../connection/browser-key.ts';
import { Connection } from '../connection/connection.ts';
import type { AttachOutcome, ConnectionState } from '../connection/ports.ts';
import { FakeRunner, RUNNER, WORKSPACE } from './fake-runner.ts';
import { immediateAead } from './immediate-aead.ts';
import { ManualClock } from './manual-clock.ts';

const browserKey = await proofKeyOf(await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']));

export const admitted = (number: number): AttachOutcome => ({
  kind: 'admitted',
  attachment: {
    connectionId: `con_${number}`,
    ticket: `ticket-${number}`,
    grant: `grant-${number}`,
    expiresAt: '2026-01-01T00:00:30.000Z',
    access: 'own',
    policy: DEFAULT_POLICY,
    runner: RUNNER,
  },
});

/** A connection with a fake runner at its other end. */
export class Bench {
  readonly clock = new ManualClock();
  readonly runner = new FakeRunner();
  readonly hellos: RunnerHello[] = [];
  readonly latencies: number[] = [];
  readonly notices: string[] = [];
  readonly pins = new Map<string, string>();
  people: Presence | null = null;
  attached = 0;
  random = 0.999999;
  online = true;
  /** whether the service answers, and how often it was asked */
  there = true;
  looks = 0;
  /** what the next attach answers; admitted when there is none */
  outcomes: AttachOutcome[] = [];
  onConnected: () => void = () => undefined;
  onState: (state: ConnectionState) => unknown = () => undefined;

  readonly connection = new Connection(
    {
      workspaceId: WORKSPACE,
      attach: () => {
        this.attached += 1;
        return Promise.resolve(this.outcomes.shift() ?? admitted(this.attached));
      },
      isThere: () => {
        this.looks += 1;
        return Promise.resolve(this.there);
      },
      openSocket: this.runner.openSocket,
      clock: this.clock,
      random: () => this.random,
      clientId: 'client-of-this-page',
      key: () => Promise.resolve(browserKey),
      pins: {
        get: (id) => this.pins.get(id) ?? null,
        set: (id, fingerprint) => this.pins.set(id, fingerprint),
      },
      makeAead: immediateAead,
      online: () => this.online,
    },
    {
      changed: (state) => this.onState(state),
      connected: (hello) => {
        this.hellos.push(hello);
        this.onConnected();
      },
      people: (people) => (this.people = people),
      notice: (text) => this.notices.push(text),
      latency: (ms) => this.latencies.push(ms),
    },
  );

  get state(): ConnectionState {
    return this.connection.state;
  }

  /** Does what leads to a dial, and waits for it. */
  async dialling(act: () => void): Promise<void> {
    const dialled = this.runner.next();
    act();
    await dialled;
  }

  dial(): Promise<void> {
    return this.dialling(() => this.connection.start());
  }

  async connect(): Promise<void> {
    await this.dial();
    await this.runner.link.greet();
  }

  /** milliseconds until the next dial */
  get wait(): number {
    const { state } = this;
    return state.kind === 'reconnecting' && state.retryAt !== null ? state.retryAt - this.clock.now() : NaN;
  }

  /** Lets the page wait as long as it wants to, until it dials. */
  redial(): Promise<void> {
    return this.dialling(() => this.clock.advance(this.wait));
  }

  /** Cuts the line and lets the page find its way back. */
  async reconnect(): Promise<void> {
    this.runner.link.cut();
    await this.redial();
    await this.runner.link.greet();
  }
}
