import {
  NETWORK_TYPE,
  NO_NETWORK,
  POLICY_TYPE,
  runnerNetworkClaims,
  runnerPolicy,
  runnerPolicyClaims,
  type RunnerNetwork,
  type RunnerOpens,
  type RunnerPolicy,
} from '@gatehouse/core/protocol/runner-policy.ts';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { ServiceFailure } from '../service-failure.ts';
import { issuerKeys } from './grant.ts';

/** Fields that hang on a network namespace. The lists are not in the policy itself, but enforced with it. */
const NETWORKED = ['egress', 'egressHosts', 'git'];

/** Fields of a policy that a runner enforces; it says so at each connection. @param hasNetwork whether sandboxes can have their own */
export const enforcesWhat = (hasNetwork: boolean): string[] =>
  [...new Set([...Object.keys(runnerPolicy.shape), ...NETWORKED])].filter((field) => hasNetwork || !NETWORKED.includes(field));

/** A policy that the runner can't take, in words for people. */
export class PolicyRefused extends Error {
  /** it is true, and sets what this runner can't enforce */
  readonly isBeyondUs: boolean;

  constructor(message: string, options: { cause?: unknown; isBeyondUs?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.isBeyondUs = options.isBeyondUs ?? false;
  }
}

/** The policy of one workspace, as the deployment signed it. */
export interface SignedPolicy {
  policy: RunnerPolicy;
  /** what it may reach where egress is limited */
  network: RunnerNetwork;
  /** the ways that it opens beside the IDE's; null: none */
  opens: RunnerOpens | null;
  /** seconds since the epoch; the newest counts */
  issuedAt: number;
}

/** Checks policies by the keys that the runner knows since its enrolment. */
export class PolicyChecker {
  readonly #keys: ReturnType<typeof createLocalJWKSet>;
  readonly #issuer: string;
  readonly #runnerId: string;
  readonly #enforces: readonly string[];

  /** @throws Failure when the keys of the enrolment can't be used */
  constructor(options: { keys: unknown; issuer: string; runnerId: string; enforces: readonly string[] }) {
    this.#keys = createLocalJWKSet({ keys: issuerKeys(options.keys) });
    this.#issuer = options.issuer;
    this.#runnerId = options.runnerId;
    this.#enforces = options.enforces;
  }

  /** @throws PolicyRefused when it is missing, not signed for this workspace here, or sets what can't be enforced here */
  async check(signed: string | undefined, workspaceId: string, network?: string): Promise<SignedPolicy> {
    if (signed === undefined) throw new PolicyRefused('The order carries no policy: the service is older than this runner');
    const claims = runnerPolicyClaims.parse(await this.#verify(signed, POLICY_TYPE));
    if (claims.sub !== workspaceId) throw new PolicyRefused('The policy is for another workspace');
    const unknown = Object.keys(claims.policy).filter((field) => !this.#enforces.includes(field));
    if (unknown.length > 0) {
      const message = `This runner can’t enforce what the policy sets: ${unknown.join(', ')}. Update the runner, or take another one.`;
      throw new PolicyRefused(message, { isBeyondUs: true });
    }
    const parsed = runnerPolicy.safeParse(claims.policy);
    if (!parsed.success)
      throw new PolicyRefused(`The policy is not one that this runner understands: ${parsed.error.issues[0]?.path.join('.')}`);
    const reach = parsed.data.egress === undefined ? NO_NETWORK : await this.#checkNetwork(network, workspaceId);
    return { policy: parsed.data, network: reach, opens: claims.opens ?? null, issuedAt: claims.iat };
  }

  async #checkNetwork(signed: string | undefined, workspaceId: string): Promise<RunnerNetwork> {
    if (signed === undefined) throw new PolicyRefused('The policy limits egress, and the order does not say what may be reached');
    const parsed = runnerNetworkClaims.safeParse(await this.#verify(signed, NETWORK_TYPE));
    if (!parsed.success) throw new PolicyRefused('What may be reached is not told in a way that this runner understands');
    if (parsed.data.sub !== workspaceId) throw new PolicyRefused('What may be reached is told of another workspace');
    return parsed.data.network;
  }

  async #verify(signed: string, typ: string): Promise<unknown> {
    try {
      const { payload } = await jwtVerify(signed, this.#keys, {
        issuer: this.#issuer,
        audience: this.#runnerId,
        typ,
        algorithms: ['EdDSA', 'Ed25519'],
      });
      return payload;
    } catch (cause) {
      throw new PolicyRefused('The policy is not signed by this deployment', { cause });
    }
  }
}

const BYTES = 1024 * 1024;

/** The most bytes that a file may have; null: the policy sets no bound. @throws ServiceFailure when it blocks, or is not known yet */
export function boundOf(policy: RunnerPolicy | null, field: 'upload' | 'download'): number | null {
  if (policy === null) throw new ServiceFailure('refused', 'The policy of this workspace has not arrived yet: try again in a moment');
  const most = policy[field];
  if (most === 0) throw new ServiceFailure('refused', `${WORDS[field]} is blocked by your organisation’s policy`);
  return most === undefined ? null : most * BYTES;
}

/** Bytes of one copy or paste; null: any. Before the policy is known, nothing. */
export function clipboardBound(policy: RunnerPolicy | null, field: 'clipboardIn' | 'clipboardOut'): number | null {
  const most = policy === null ? 0 : policy[field];
  return most === undefined ? null : most * 1024;
}

const WORDS = { upload: 'Writing files from the browser', download: 'Reading files in the browser' } as const;

/** What says that a file is larger than the policy allows. */
export const tooLarge = (field: 'upload' | 'download', most: number): ServiceFailure =>
  new ServiceFailure('refused', `${WORDS[field]} is limited to ${most / BYTES} MB by your organisation’s policy`);
