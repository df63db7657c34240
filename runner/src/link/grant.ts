import { GRANT_TYPE, viewerGrant, type ViewerGrant } from '@gatehouse/core/protocol/connection.ts';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';
import { faultsOf } from '../state/config.ts';
import { Failure } from '../failure.ts';
import type { Clock } from '../connection/clock.ts';

const LIFE = 60;
const CLOCKS_APART = 30;

const issuerKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), kid: z.string().optional() });

/** Keys of those who may sign for the deployment. @throws Failure when they can't be used */
export function issuerKeys(given: unknown): Array<{ kty: 'OKP'; crv: 'Ed25519'; x: string; kid?: string }> {
  const keys = z.array(issuerKey).min(1).safeParse(given);
  if (!keys.success) throw new Failure(`The platform's keys in the configuration are wrong: ${faultsOf(keys.error)}`);
  return keys.data.map(({ kid, ...key }) => (kid === undefined ? key : { ...key, kid }));
}

export class GrantRefused extends Error {}

/**
 * SPEC O4: the runner itself checks who a viewer is, by keys that it knows since its enrolment, and does not take
 * the broker's word. One checker serves all workspaces of a runner, so that a grant works once on the whole machine.
 */
export class GrantChecker {
  readonly #keys: ReturnType<typeof createLocalJWKSet>;
  readonly #issuer: string;
  readonly #runnerId: string;
  readonly #clock: Clock;
  /** id of the grant → seconds since the epoch when it ends */
  readonly #used = new Map<string, number>();

  /** @throws Failure when the keys of the enrolment can't be used */
  constructor(options: { keys: unknown; issuer: string; runnerId: string; clock: Clock }) {
    this.#keys = createLocalJWKSet({ keys: issuerKeys(options.keys) });
    this.#issuer = options.issuer;
    this.#runnerId = options.runnerId;
    this.#clock = options.clock;
  }

  /**
   * @param thumbprint RFC 7638, of the key that the viewer has proved to hold
   * @throws GrantRefused with a reason that may be shown to the viewer
   */
  async check(grant: string, workspaceId: string, thumbprint: string): Promise<ViewerGrant> {
    const claims = await this.#verify(grant);
    if (claims.cnf.jkt !== thumbprint) throw new GrantRefused('The grant is for another browser');
    if (claims.workspace !== workspaceId) throw new GrantRefused('The grant is for another workspace');
    if (claims.exp - claims.iat > LIFE) throw new GrantRefused('The grant lives too long');
    this.#burn(claims);
    return claims;
  }

  async #verify(grant: string): Promise<ViewerGrant> {
    try {
      const { payload } = await jwtVerify(grant, this.#keys, {
        issuer: this.#issuer,
        audience: this.#runnerId,
        typ: GRANT_TYPE,
        algorithms: ['EdDSA', 'Ed25519'],
        clockTolerance: CLOCKS_APART,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'iat', 'jti', 'sub', 'workspace'],
      });
      return viewerGrant.parse(payload);
    } catch (cause) {
      throw new GrantRefused('The grant is not valid here', { cause });
    }
  }

  #burn({ jti, exp }: ViewerGrant): void {
    const now = this.#clock.now() / 1000;
    for (const [id, ends] of this.#used) if (ends + CLOCKS_APART < now) this.#used.delete(id);
    if (this.#used.has(jti)) throw new GrantRefused('The grant was used before');
    this.#used.set(jti, exp);
  }
}
