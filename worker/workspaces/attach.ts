import { calculateJwkThumbprint } from 'jose';
import { inNetworks } from '@gatehouse/core/access/networks.ts';
import { presenceUntil, type Policy } from '@gatehouse/core/access/policy.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { BrowserKey, ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { readPolicies } from '../directory/policies.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import { NETWORK_REFUSED } from '../identity/session.ts';
import { commit, eventOf, onUnique, refuse, requireSession, type EventFacts } from '../platform/commit.ts';
import type { SessionContext, UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import { USED_TWICE, useUp } from '../platform/proof.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { signGrant } from './runner-keys.ts';
import type { WorkspaceRow } from './workspaces.store.ts';
import { accessOf, readWorkspace } from './workspaces.ts';

/** Seconds within which a ticket opens its socket. */
const TICKET_SECONDS = 30;
const MINUTE_MS = 60_000;
/** Of one person to one workspace: a page that has lost its connection asks once per dial. */
const ATTACH_RULE = { limit: 60, windowSeconds: 60 };

/**
 * Lets the caller's page connect to a workspace: a single-use ticket for the broker, a signed grant for
 * the runner, both for the key that the page made. The connection stands in the audit log before access is given.
 * @throws AppError `not-found`, `rate-limited`, `browser-only`, `network-refused`, `presence-required`, `permission-denied`, `not-ready`
 */
export async function attach(asking: UserContext, id: string, key: BrowserKey, fetchSite: string | undefined): Promise<Attachment> {
  const ctx = await requireSession(asking, {
    action: 'connection.open',
    resource: { type: 'connection', id: null, name: id },
    workspaceId: id,
  });
  const workspace = await readWorkspace(ctx, id);
  const resource = { type: 'connection' as const, id: null, name: workspace.name };
  const facts = { action: 'connection.open' as const, resource, workspaceId: id };
  await countAttempt(ctx, `attach:${ctx.actor.id}:${id}`, ATTACH_RULE, facts);
  const [{ policy }, { role, grantId }, keyThumbprint] = await Promise.all([
    readPolicies(ctx, ctx.db, workspace.template_id),
    accessOf(ctx, workspace),
    calculateJwkThumbprint(key, 'sha256'),
  ]);
  await requirePolicy(ctx, facts, policy, { keyThumbprint, fetchSite });
  const access = await requireAccess(ctx, facts, workspace, role);
  const connection = { id: ctx.newId('connection'), workspaceId: id, access, keyThumbprint, grantId, ...boundsOf(ctx, policy) };
  const { ticket, expiresAt } = await open(ctx, connection, {
    ...facts,
    resource: { ...resource, id: connection.id },
    details: { access, keyThumbprint },
    grantId,
  });
  return {
    connectionId: connection.id,
    ticket,
    grant: await signGrant(ctx, { connection, runnerId: workspace.runner_id, user: ctx.actor }),
    expiresAt,
    access,
    policy,
    runner: {
      id: workspace.runner_id,
      name: workspace.runner_name,
      fingerprint: workspace.runner_fingerprint,
      identityKey: workspace.runner_identity_key,
      agreementKey: workspace.runner_agreement_key,
    },
  };
}

type Facts = Pick<EventFacts, 'action' | 'resource' | 'workspaceId'>;

/** What the policy asks of whoever connects. A refusal is an event, and counted. */
async function requirePolicy(
  ctx: SessionContext,
  facts: Facts,
  policy: Policy,
  shown: { keyThumbprint: string; fetchSite: string | undefined },
): Promise<void> {
  const reason = policy.browserOnly === 'on' ? notThisBrowser(ctx, shown) : null;
  if (reason !== null) await refuseByPolicy(ctx, facts, { field: 'browserOnly', code: 'browser-only', reason });
  if (policy.allowedNetworks !== null && !inNetworks(ctx.request?.origin.ip ?? null, policy.allowedNetworks))
    await refuseByPolicy(ctx, facts, { field: 'allowedNetworks', code: 'network-refused', reason: NETWORK_REFUSED });
  const began = ctx.actor.sessionBeganAt;
  if (began !== undefined && ctx.now().getTime() - new Date(began).getTime() >= policy.sessionLimit * MINUTE_MS) {
    const old = `This workspace needs a session that is younger than ${policy.sessionLimit} minutes: sign in again`;
    await refuseByPolicy(ctx, facts, { field: 'sessionLimit', code: 'browser-only', reason: old });
  }
  const until = presenceUntil(ctx.actor.authentication.presentAt, policy);
  if (until !== null && until <= ctx.now().toISOString())
    await refuseByPolicy(ctx, facts, { field: 'stepUp', code: 'presence-required', reason: presenceAsked(policy) });
}

const presenceAsked = ({ stepUp }: Policy): string =>
  stepUp === 1 ? 'This workspace asks for your passkey every hour' : `This workspace asks for your passkey every ${stepUp} hours`;

/**
 * Browser-only: our own page, in the browser that the session began in, for the key that the session is bound to. Why
 * not; null when all of it is so.
 */
function notThisBrowser(
  { actor, request }: SessionContext,
  shown: { keyThumbprint: string; fetchSite: string | undefined },
): string | null {
  if (shown.fetchSite !== 'same-origin') return 'A workspace opens only from Gatehouse’s own page in a browser';
  if (typeof actor.keyThumbprint !== 'string') return 'This session is not bound to a browser’s key: sign in again in this browser';
  const proof = request?.proof ?? null;
  if (proof === null) return 'The proof of this browser’s key is missing';
  if (!proof.good) return `The proof of this browser’s key was refused: ${proof.why}`;
  if (proof.thumbprint !== actor.keyThumbprint) return 'This is not the browser that the session began in: sign in again here';
  return shown.keyThumbprint === actor.keyThumbprint ? null : 'The connection is for another key than the session’s';
}

async function requireAccess(ctx: SessionContext, facts: Facts, workspace: WorkspaceRow, role: TemplateRole | null): Promise<ViewerAccess> {
  const mine = workspace.owner_id === ctx.actor.id;
  const access = connectAccess(mine, role);
  if (access === null)
    return refuse(
      ctx,
      facts,
      mine
        ? `This needs the role “use” on template ${workspace.template_name}`
        : `Joining somebody else’s workspace needs the role “admin” on template ${workspace.template_name}`,
    );
  if (workspace.phase !== 'running') throw new AppError('not-ready', `The workspace is ${workspace.phase}`);
  if (workspace.runner_online !== 1) throw new AppError('not-ready', `The runner ${workspace.runner_name} is away`);
  return access;
}

/** How long the connection may last, and stay unused. */
function boundsOf({ actor, now }: SessionContext, policy: Policy): Pick<NewConnection, 'endsAt' | 'idleMinutes' | 'presenceUntil'> {
  const limit = new Date(new Date(actor.sessionBeganAt ?? now()).getTime() + policy.sessionLimit * MINUTE_MS).toISOString();
  return {
    endsAt: limit < actor.sessionExpiresAt ? limit : actor.sessionExpiresAt,
    idleMinutes: policy.idleTimeout,
    presenceUntil: presenceUntil(actor.authentication.presentAt, policy),
  };
}

interface NewConnection {
  id: string;
  workspaceId: string;
  access: ViewerAccess;
  keyThumbprint: string;
  /** the approved request without which it would not be allowed */
  grantId: string | null;
  /** ISO */
  endsAt: string;
  idleMinutes: number;
  /** ISO; null: the policy does not ask for a passkey */
  presenceUntil: string | null;
}

/** Writes down the connection, its ticket and its event in one transaction. */
async function open(ctx: SessionContext, connection: NewConnection, facts: Parameters<typeof eventOf>[1]) {
  const ticket = await mintCredential('ticket', ctx.db, ctx.random);
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + TICKET_SECONDS * 1000).toISOString();
  const { tenantId } = ctx.db;
  const proof = ctx.request?.proof ?? null;
  const opened = commit(ctx, {
    changes: [
      ...(proof?.good ? [useUp(ctx.db, proof)] : []),
      insertConnection(ctx, connection, now.toISOString()),
      insertTicket(ctx, connection, { hash: ticket.hash, expiresAt }),
      statement(
        'UPDATE workspaces SET last_used_at = ? WHERE tenant_id = ? AND id = ?',
        now.toISOString(),
        tenantId,
        connection.workspaceId,
      ),
      statement('DELETE FROM tickets WHERE tenant_id = ? AND expires_at < ?', tenantId, now.toISOString()),
    ],
    events: [eventOf(ctx, { ...facts, status: 200 })],
  });
  const replayed = new AppError('browser-only', 'The proof of this browser’s key was used before');
  await onUnique(opened, USED_TWICE, () => replayed).catch((error: unknown) => {
    if (error !== replayed) throw error;
    return refuseByPolicy(ctx, facts, { field: 'browserOnly', code: 'browser-only', reason: replayed.message });
  });
  return { ticket: ticket.text, expiresAt };
}

const insertConnection = (ctx: SessionContext, { id, workspaceId, keyThumbprint }: NewConnection, openedAt: string): Statement =>
  statement(
    `INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at, ip, key_thumbprint)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[ctx.db.tenantId, id, workspaceId, ctx.actor.id, ctx.actor.sessionId, openedAt, ctx.request?.origin.ip ?? null, keyThumbprint],
  );

const insertTicket = (
  ctx: SessionContext,
  connection: NewConnection,
  { hash, expiresAt }: { hash: string; expiresAt: string },
): Statement =>
  statement(
    `INSERT INTO tickets (tenant_id, ticket_hash, connection_id, workspace_id, user_id, session_id, expires_at, access, key_thumbprint,
       grant_id, ends_at, idle_minutes, presence_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[ctx.db.tenantId, hash, connection.id, connection.workspaceId, ctx.actor.id, ctx.actor.sessionId, expiresAt],
    ...[connection.access, connection.keyThumbprint, connection.grantId, connection.endsAt, connection.idleMinutes],
    connection.presenceUntil,
  );
