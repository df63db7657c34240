import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { RunnerOpens } from '@gatehouse/core/protocol/runner-policy.ts';
import { AppTunnel } from '../apps/app-tunnel.ts';
import type { DialStream } from '../connection/socket.ts';
import type { Measured } from '../control/usage.ts';
import type { SignedPolicy } from '../link/policy.ts';
import type { LinkContext, WorkspaceLink } from '../link/workspace-link.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import type { TerminalMemory } from '../terminals/memory.ts';
import type { Terminals } from '../terminals/terminals.ts';
import { serveSandbox } from './serve.ts';
import type { StartFailure } from './start-failure.ts';

interface Parts {
  workspaceId: string;
  generation: number;
  /** what it was started by; null: by an earlier runner */
  order: WorkspaceOrder | null;
  sandbox: Sandbox;
  memory: TerminalMemory;
  terminals: Terminals;
}

/** A sandbox that runs, with all that serves it. */
export class Running {
  readonly generation: number;
  readonly order: WorkspaceOrder | null;
  readonly sandbox: Sandbox;
  /** resolves once the platform has taken its link, and rejects when that can't be any more */
  readonly taken: Promise<void>;
  readonly #workspaceId: string;
  readonly #memory: TerminalMemory;
  readonly #terminals: Terminals;
  readonly #link: WorkspaceLink;
  readonly #tunnel: AppTunnel;

  /** @param policy that is in force, whenever it is asked @param lost something takes the sandbox away while it should run */
  constructor(
    context: { link: LinkContext; dialStream: DialStream },
    { workspaceId, generation, order, sandbox, memory, terminals }: Parts,
    policy: () => SignedPolicy | null,
    lost: (running: Running, why: StartFailure) => void,
  ) {
    [this.generation, this.order, this.sandbox] = [generation, order, sandbox];
    [this.#workspaceId, this.#memory, this.#terminals] = [workspaceId, memory, terminals];
    const inForce = { policy: () => policy()?.policy ?? null, opens: () => policy()?.opens ?? null };
    const served = { workspaceId, generation, sandbox, terminals, ...inForce };
    const { link, taken } = serveSandbox(context.link, served, (why) => lost(this, why));
    [this.#link, this.taken] = [link, taken];
    this.#tunnel = new AppTunnel({ ...context.link, dialStream: context.dialStream }, workspaceId, sandbox.helper);
    // Once the workspace has its place at the platform, so has its tunnel.
    void taken.then(
      () => this.#tunnel.allow(inForce.opens()),
      () => undefined,
    );
  }

  /** terminals whose program runs */
  get terminals(): number {
    return this.#terminals.list().filter(({ exit }) => exit === null).length;
  }

  /** To be measured. */
  get measured(): Measured {
    const { sandbox } = this;
    const limits = sandbox.trace.limits ?? templateLimits.parse({});
    return {
      ...{ workspaceId: this.#workspaceId, limits },
      usage: () => sandbox.usage(),
      trouble: () => sandbox.trouble()?.words ?? null,
    };
  }

  allow(opens: RunnerOpens | null): void {
    this.#tunnel.allow(opens);
  }

  /** Tells something in every terminal. */
  notice(text: string): void {
    this.#link.notice(text);
  }

  /** Ends it; resolves when nothing of it is left. @param tell what is remembered of its terminals */
  async end(tell: (memory: TerminalMemory) => void): Promise<void> {
    this.#link.stop();
    this.#tunnel.stop();
    tell(this.#memory);
    await this.sandbox.stop();
  }

  /** Leaves it to the next runner. */
  leave(): void {
    this.#link.stop();
    this.#tunnel.stop();
    this.#terminals.leave();
    this.sandbox.leave();
  }
}
