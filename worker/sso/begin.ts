import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { SsoFinished } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { PER_NETWORK } from '../identity/sign-in.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { base64url } from '../platform/encoding.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { noteError, type Connected } from './connections.store.ts';
import { faultOf } from './fetching.ts';
import { beginFlow } from './flows.ts';

/** What begins or goes on in one browser, which keeps the secret in a cookie. */
export interface Begun {
  url: string;
  browser: string;
}
export const newBrowser = ({ random }: Pick<Services, 'random'>): string => base64url(random(32));

/** What came of it; `credential`: the secret of the session that begins or goes on, for the cookie. */
export interface Finished {
  answer: SsoFinished;
  credential: string | null;
}

/** `beginFlow`, with what goes wrong noted at the provider. @throws AppError `unavailable` */
export async function begin(
  services: Services,
  db: TenantDb,
  connection: Connected,
  asked: Parameters<typeof beginFlow>[3],
): Promise<string> {
  try {
    return await beginFlow(services, db, connection, asked);
  } catch (error) {
    const said = faultOf(error);
    await db.batch([noteError(db, connection.id, said, services.now().toISOString())]);
    throw new AppError('unavailable', `${connection.name} can’t be asked right now. Whoever manages it finds the reason on its page.`);
  }
}

/** Attempts of one network. @throws AppError `rate-limited` */
export async function countNetwork(services: Services, request: RequestFacts): Promise<void> {
  const ctx = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: 'Somebody signing in' } };
  const resource = { type: 'user', id: null, name: 'somebody' } as const;
  const rule = { ...PER_NETWORK, limit: 2 * PER_NETWORK.limit };
  await countAttempt(ctx, `single sign-on from ${networkOf(request.origin.ip)}`, rule, { action: 'user.sign_in', resource });
}
