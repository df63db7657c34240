import { calculateJwkThumbprint } from 'jose';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { BrowserKey, ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { commit, eventOf, record, refuse, requireSession } from '../platform/commit.ts';
import type { SessionContext, UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { signGrant } from './runner-keys.ts';
import { accessOf, readWorkspace } from './workspaces.ts';

/** Seconds within which a ticket opens its socket. */
const TICKET_SECONDS = 30;
/** Of one person to one workspace: a page that has lost its connection asks once per dial. */
const ATTACH_RULE = { limit: 60, windowSeconds: 60 };

/**
 * Lets the caller's page connect to a workspace: a single-use ticket for the broker, a signed grant for
 * the runner, both for the key that the page made. The connection stands in the audit log before access is given.
 * @throws AppError `not-found`, `rate-limited`, `browser-only`, `permission-denied`, `not-ready`
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
  if (fetchSite !== 'same-origin') {
    await record(ctx, { ...facts, outcome: 'denied', status: 403, reason: 'Not from Gatehouse’s own page' });
    throw new AppError('browser-only', 'A workspace opens only from Gatehouse’s own page in a browser');
  }
  const mine = workspace.owner_id === ctx.actor.id;
  const { role, grantId } = await accessOf(ctx, workspace);
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

  const keyThumbprint = await calculateJwkThumbprint(key, 'sha256');
  const connection = { id: ctx.newId('connection'), workspaceId: id, access, keyThumbprint, grantId };
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
    runner: {
      id: workspace.runner_id,
      name: workspace.runner_name,
      fingerprint: workspace.runner_fingerprint,
      identityKey: workspace.runner_identity_key,
      agreementKey: workspace.runner_agreement_key,
    },
  };
}

interface NewConnection {
  id: string;
  workspaceId: string;
  access: ViewerAccess;
  keyThumbprint: string;
  /** the approved request without which it would not be allowed */
  grantId: string | null;
}

/** Writes down the connection, its ticket and its event in one transaction. */
async function open(ctx: SessionContext, connection: NewConnection, facts: Parameters<typeof eventOf>[1]) {
  const ticket = await mintCredential('ticket', ctx.db, ctx.random);
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + TICKET_SECONDS * 1000).toISOString();
  const { tenantId } = ctx.db;
  await commit(ctx, {
    changes: [
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
  return { ticket: ticket.text, expiresAt };
}

const insertConnection = (ctx: SessionContext, { id, workspaceId }: NewConnection, openedAt: string): Statement =>
  statement(
    'INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at) VALUES (?, ?, ?, ?, ?, ?)',
    ...[ctx.db.tenantId, id, workspaceId, ctx.actor.id, ctx.actor.sessionId, openedAt],
  );

const insertTicket = (
  ctx: SessionContext,
  connection: NewConnection,
  { hash, expiresAt }: { hash: string; expiresAt: string },
): Statement =>
  statement(
    `INSERT INTO tickets (tenant_id, ticket_hash, connection_id, workspace_id, user_id, session_id, expires_at, access, key_thumbprint, grant_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[ctx.db.tenantId, hash, connection.id, connection.workspaceId, ctx.actor.id, ctx.actor.sessionId, expiresAt],
    ...[connection.access, connection.keyThumbprint, connection.grantId],
  );
