import type { RunnerHello, ViewerFacts } from '@gatehouse/core/protocol/connection.ts';
import { Connection, type ConnectionState } from '../connection/connection.ts';
import type { AttachOutcome } from '../connection/ports.ts';
import { FakeRunner } from './fake-runner.ts';
import { ManualClock, settle } from './manual-clock.ts';

export const admitted = (number: number): AttachOutcome => ({
  kind: 'admitted',
  attachment: {
    connectionId: `con_${number}`,
    ticket: `ticket-${number}`,
    grant: `grant-${number}`,
    expiresAt: '2026-01-01T00:00:30.000Z',
    runner: { id: 'run_1', name: 'fra-1', fingerprint: 'ab' },
  },
});

/** A connection with a fake runner at its other end. */
export class Bench {
  readonly clock = new ManualClock();
  readonly runner = new FakeRunner();
  readonly states: ConnectionState[] = [];
  readonly hellos: RunnerHello[] = [];
  readonly latencies: number[] = [];
  people: ViewerFacts[] = [];
  attached = 0;
  random = 0.5;
  /** what the next attach answers; admitted when there is none */
  outcomes: AttachOutcome[] = [];
  onConnected: () => void = () => undefined;

  readonly connection = new Connection(
    {
      attach: () => {
        this.attached += 1;
        return Promise.resolve(this.outcomes.shift() ?? admitted(this.attached));
      },
      openSocket: this.runner.openSocket,
      clock: this.clock,
      random: () => this.random,
      clientId: 'client-of-this-tab',
    },
    {
      changed: (state) => this.states.push(state),
      connected: (hello) => {
        this.hellos.push(hello);
        this.onConnected();
      },
      people: (people) => (this.people = people),
      latency: (ms) => this.latencies.push(ms),
    },
  );

  get state(): ConnectionState {
    return this.connection.state;
  }

  async dial(): Promise<void> {
    this.connection.start();
    await settle();
  }

  async connect(): Promise<void> {
    await this.dial();
    this.runner.link.greet();
  }

  /** Cuts the line and lets the page find its way back. */
  async reconnect(): Promise<void> {
    this.runner.link.cut();
    this.clock.advance(15_000);
    await settle();
    this.runner.link.greet();
  }
}
