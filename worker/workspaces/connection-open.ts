import type { ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import { commit, eventOf, onUnique } from '../platform/commit.ts';
import type { SessionContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import { USED_TWICE, useUp } from '../platform/proof.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import type { ConnectBounds, ConnectFacts } from './connect-policy.ts';

/** Seconds within which a ticket opens its socket, and a code its app. */
const TICKET_SECONDS = 30;

export interface NewConnection extends ConnectBounds {
  id: string;
  workspaceId: string;
  access: ViewerAccess;
  keyThumbprint: string;
  /** the approved request without which it would not be allowed */
  grantId: string | null;
  /** null: it is the browser's own */
  app: AppOpened | null;
}

/** The web app that a connection is a session of. */
export interface AppOpened {
  label: string;
  port: number;
  /** the template names it */
  named: boolean;
  /** only that it is shared with the organisation opens it to this person */
  shared: boolean;
}

/**
 * Writes down the connection, its ticket (an app's one-time code) and its event in one transaction, and uses the proof up.
 * @throws AppError `browser-only` when the proof was used before
 */
export async function openConnection(
  ctx: SessionContext,
  connection: NewConnection,
  facts: ConnectFacts & Parameters<typeof eventOf>[1],
): Promise<{ ticket: string; expiresAt: string }> {
  const ticket = await mintCredential(connection.app === null ? 'ticket' : 'appCode', ctx.db, ctx.random);
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

const insertConnection = (ctx: SessionContext, { id, workspaceId, keyThumbprint, app }: NewConnection, openedAt: string): Statement =>
  statement(
    `INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at, ip, key_thumbprint, app, app_named, app_shared)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[ctx.db.tenantId, id, workspaceId, ctx.actor.id, ctx.actor.sessionId, openedAt, ctx.request?.origin.ip ?? null, keyThumbprint],
    ...[app?.label ?? null, app?.named ? 1 : 0, app?.shared ? 1 : 0],
  );

const insertTicket = (
  ctx: SessionContext,
  connection: NewConnection,
  { hash, expiresAt }: { hash: string; expiresAt: string },
): Statement =>
  statement(
    `INSERT INTO tickets (tenant_id, ticket_hash, connection_id, workspace_id, user_id, session_id, expires_at, access, key_thumbprint,
       grant_id, ends_at, idle_minutes, presence_until, app, app_port)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[ctx.db.tenantId, hash, connection.id, connection.workspaceId, ctx.actor.id, ctx.actor.sessionId, expiresAt],
    ...[connection.access, connection.keyThumbprint, connection.grantId, connection.endsAt, connection.idleMinutes],
    ...[connection.presenceUntil, connection.app?.label ?? null, connection.app?.port ?? null],
  );
