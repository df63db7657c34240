import type { EgressHappening } from '@gatehouse/core/protocol/runner-control.ts';
import { gitCredentials, NO_NETWORK, type GitCredentials } from '@gatehouse/core/protocol/runner-policy.ts';
import { openSealed } from '@gatehouse/core/protocol/sealed-box.ts';
import type { Clock } from '../connection/clock.ts';
import type { Outside } from '../egress/outside.ts';
import type { EgressCounts } from '../egress/trail.ts';
import { WayOut } from '../egress/way-out.ts';
import { messageOf } from '../failure.ts';
import type { SignedPolicy } from '../link/policy.ts';
import type { Log } from '../log.ts';
import type { SandboxNetwork } from '../sandbox/driver.ts';
import type { AgreementKey } from '../state/keys.ts';

export interface EgressContext {
  outside: Outside;
  clock: Clock;
  log: Log;
  runnerId: string;
  agreement: AgreementKey;
  /** @returns false when it can't be taken now */
  happened(workspaceId: string, happening: EgressHappening): boolean;
  counts: EgressCounts;
}

/** The way out of one workspace, as its policy has it now, and what it takes to open one. */
export class Egress {
  readonly #context: EgressContext;
  readonly #workspaceId: string;
  readonly #folder: string;
  #policy: SignedPolicy | null = null;
  /** what was granted last: a sandbox that has its own network keeps its resources when egress is opened */
  #network = NO_NETWORK;
  #credentials: GitCredentials = [];
  #sealed: string | undefined;
  #wayOut: WayOut | null = null;
  /** tells the people who are connected */
  notice: (text: string) => void = () => undefined;

  constructor(context: EgressContext, workspaceId: string, folder: string) {
    this.#context = context;
    this.#workspaceId = workspaceId;
    this.#folder = folder;
  }

  /** What counts from now on, also for connections that are made by what runs already. */
  set policy(policy: SignedPolicy) {
    this.#policy = policy;
    if (policy.policy.egress !== undefined) this.#network = policy.network;
  }

  get isLimited(): boolean {
    return this.#policy?.policy.egress !== undefined;
  }

  /** Takes the owner's credentials, sealed to this runner; they stay in memory. What does not open is left out, and git says so. */
  async takeCredentials(sealed: string | undefined): Promise<void> {
    if (sealed === this.#sealed) return;
    this.#sealed = sealed;
    this.#credentials = [];
    if (sealed === undefined) return;
    const { agreement, runnerId, log } = this.#context;
    try {
      const sealing = { purpose: 'git-credentials', about: [runnerId, this.#workspaceId] } as const;
      const opened = await openSealed(await agreement(), sealing, sealed);
      this.#credentials = gitCredentials.parse(JSON.parse(new TextDecoder().decode(opened)));
    } catch (error) {
      log.error(`Credentials of ${this.#workspaceId} don't open: ${messageOf(error)}`);
    }
  }

  /** Opens what a sandbox with a network of its own needs; null where the policy does not limit it. */
  async open(): Promise<SandboxNetwork | null> {
    this.close();
    return this.isLimited ? this.reopen() : null;
  }

  /** For a sandbox that has a network of its own, whatever the policy is now. */
  async reopen(): Promise<SandboxNetwork> {
    const { outside, clock, happened, counts } = this.#context;
    this.#wayOut = await WayOut.open(this.#folder, {
      outside,
      clock,
      counts,
      ways: () => ({ mode: this.#policy === null ? 'none' : (this.#policy.policy.egress ?? 'open'), network: this.#network }),
      credentials: () => this.#credentials,
      tell: (happening) => happened(this.#workspaceId, happening),
      notice: (text) => this.notice(text),
    });
    return this.#wayOut.inside;
  }

  close(): void {
    this.#wayOut?.close();
    this.#wayOut = null;
  }

  /** The sandbox has ended: what only its time needed is forgotten. */
  end(): void {
    this.close();
    this.#credentials = [];
    this.#sealed = undefined;
  }
}
