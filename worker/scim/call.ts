import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import { record } from '../platform/commit.ts';
import type { Context, RequestFacts, ScimClientActor, Services } from '../platform/context.ts';
import { locateCredential } from '../platform/credential.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { callerFrom, callerQuery, markUsed, type CallerRow } from './call.store.ts';

/** A request of a directory before it is known whether its token is true. */
export interface Call {
  services: Services;
  request: RequestFacts;
  db: TenantDb;
  /** of the token */
  hash: string;
  /** where SCIM is served: https://host/scim/v2 */
  base: string;
  /** path below that, for the log */
  path: string;
  /** parsed; undefined: none was sent */
  body: unknown;
  /** the token has been looked at, and what goes wrong from then on stands in the log */
  entered: boolean;
}

/** A call whose token was true at the moment of reading. */
export type ScimContext = Context & { actor: ScimClientActor; caller: CallerRow };

type Found = Awaited<ReturnType<TenantDb['batch']>>;

const TOLD = { limit: 1, windowSeconds: 300 };
/** Reads note that there was one at most this often. */
const NOTED_MS = 60_000;

/** @throws ScimError 401 for what is no token of this deployment */
export async function locateCaller(services: Services, authorization: string | undefined): Promise<{ db: TenantDb; hash: string }> {
  const located = await locateCredential(services, 'scim', (authorization ?? '').replace(/^Bearer\s+/i, '').trim());
  if (!located) throw notSignedIn();
  return located;
}

/**
 * One trip: who calls, and whatever they ask for, whose statements find the provider by the token’s hash. Nothing of it is used
 * before the token has proved true. A token that was true once and is refused leaves an event.
 * @throws ScimError 401
 */
export async function enter(call: Call, reads: readonly Statement[]): Promise<{ ctx: ScimContext; found: Found }> {
  const { services, request, db, hash } = call;
  call.entered = true;
  const [asked, ...found] = await db.batch([callerQuery(db, hash), ...reads]);
  const caller = callerFrom(asked?.rows);
  if (!caller) throw notSignedIn();
  const actor: ScimClientActor = { type: 'scim-client', id: caller.provider_id, name: caller.provider_name, tokenId: caller.id };
  const tenant = {
    id: db.tenantId,
    slug: caller.slug,
    name: caller.tenant_name,
    region: caller.region,
    createdAt: caller.tenant_created_at,
  };
  const ctx: ScimContext = { ...services, request, db, tenant, actor, caller };
  const reason = refusalOf(caller, services.now().toISOString());
  if (reason !== null) throw await refused(ctx, reason);
  return { ctx, found };
}

/** For calls that read: notes that the connection lives, after the answer and not each time. */
export function noteRead({ caller, db, now, defer, log }: ScimContext): void {
  const before = new Date(now().getTime() - NOTED_MS).toISOString();
  if (caller.last_used_at !== null && caller.last_used_at > before) return;
  const noted = db.batch(markUsed(db, caller, now().toISOString()));
  defer(noted.catch((error: unknown) => log('warn', 'a provisioning token was not marked as used', { error: String(error) })));
}

function refusalOf({ revoked_at, expires_at, tenant_state }: CallerRow, now: string): string | null {
  if (revoked_at !== null) return 'revoked';
  if (expires_at !== null && expires_at <= now) return 'expired';
  return tenant_state === 'active' ? null : 'organisation suspended';
}

async function refused(ctx: ScimContext, reason: string): Promise<ScimError> {
  const { id, name, tokenId } = ctx.actor;
  if ((await ctx.throttle.begin(`refused scim token ${tokenId} ${reason}`, TOLD)) === 0)
    await record(ctx, {
      action: 'idp.token.use',
      resource: { type: 'idp', id, name },
      outcome: 'denied',
      status: 401,
      reason,
      details: { token: tokenId },
    });
  return notSignedIn();
}

const notSignedIn = () => new ScimError(401, null, 'The provisioning token is not valid: it may have been revoked or have expired');
