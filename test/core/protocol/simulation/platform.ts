import { DEFAULT_POLICY } from '@gatehouse/core/access/policy-in-force.ts';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { fingerprintOf } from '@gatehouse/core/protocol/runner-keys.ts';
import { makeKeys } from '../../../../runner/src/state/keys.ts';
import { makeIssuer } from '../../../../runner/test/support/issuer.ts';
import { mintId } from '../../../../runner/test/support/mint.ts';
import { makeTab } from '../../../../runner/test/support/browser.ts';
import type { AttachOutcome, ProofKey } from '../../../../web/src/lib/ide/connection/ports.ts';
import { Broker } from './broker.ts';
import { makeWire, type End, type Way } from './wire.ts';
import type { World } from './world.ts';

/** Somebody with a browser. */
export interface Person {
  userId: string;
  access: ViewerAccess;
  key: ProofKey;
  /** thumbprint of the key */
  jkt: string;
}

/** Keys and ids, which are the same in all simulations: making them takes long, and nothing depends on them. */
export async function makePlace() {
  const [runnerId, workspaceId] = [mintId('runner'), mintId('workspace')];
  const { keys } = makeKeys();
  const person = async (access: ViewerAccess): Promise<Person> => {
    const { jwk, key, jkt } = await makeTab();
    return { userId: mintId('user'), access, key: { publicKey: jwk, privateKey: key }, jkt };
  };
  const { identityKey, agreementKey } = keys;
  return {
    ...{ runnerId, workspaceId, keys, issuer: await makeIssuer() },
    fingerprint: await fingerprintOf({ identityKey, agreementKey }),
    people: [await person('own'), await person('join'), await person('join')] as const,
  };
}
export type Place = Awaited<ReturnType<typeof makePlace>>;

/** near, by radio, and far away */
export const WAYS: readonly Way[] = [
  { latency: 5, jitter: 2, bytesPerMs: 10_000 },
  { latency: 40, jitter: 100, bytesPerMs: 1000 },
  { latency: 300, jitter: 50, bytesPerMs: 5000 },
];
const RUNNER_WAY: Way = { latency: 10, jitter: 5, bytesPerMs: 50_000 };

/** What lies between browsers and runner: lets people in, and has the broker. */
export class Platform {
  readonly place: Place;
  readonly broker: Broker;
  readonly workspaceId: string;
  readonly #world: World;
  /** of which a browser's next socket has one */
  ways = WAYS;
  /** sockets of browsers so far */
  dials = 0;
  /** whoever sits on the way sees each new socket: the end of the browser or the runner, and the broker's */
  between: (near: End, far: End, who: 'browser' | 'runner') => void = () => undefined;

  constructor(world: World, place: Place) {
    this.#world = world;
    this.place = place;
    this.workspaceId = place.workspaceId;
    this.broker = new Broker(world, place.keys.identityKey);
  }

  async attach({ jkt, access, userId }: Person): Promise<AttachOutcome> {
    const { clock, chance } = this.#world;
    const { runnerId, workspaceId, issuer, keys, fingerprint } = this.place;
    await new Promise<void>((resolve) => clock.after(chance.between(10, 60), resolve));
    const grant = await issuer.grant({ runnerId, workspaceId, jkt, access, userId, issuedAt: Math.floor(clock.now() / 1000) });
    const { identityKey, agreementKey } = keys;
    const attachment: Attachment = {
      ...{ connectionId: mintId('connection'), ticket: 'ticket', grant, access, expiresAt: new Date(clock.now() + 30_000).toISOString() },
      policy: DEFAULT_POLICY,
      runner: { id: runnerId, name: 'runner', fingerprint, identityKey, agreementKey, rotations: [] },
    };
    return { kind: 'admitted', attachment };
  }

  dialAsViewer(): End {
    this.dials += 1;
    return this.#dial('browser', this.#world.chance.pick(this.ways), (end) => this.broker.acceptViewer(end));
  }

  dialAsRunner(path: string, opened: () => void): End {
    return this.#dial('runner', RUNNER_WAY, (end) => {
      this.broker.acceptLink(end, path);
      opened();
    });
  }

  #dial(who: 'browser' | 'runner', way: Way, accept: (end: End) => void): End {
    const [near, far] = makeWire(this.#world, way);
    this.between(near, far, who);
    this.#world.clock.after(2 * way.latency, () => {
      if (near.open) accept(far);
    });
    return near;
  }
}
