import { z } from 'zod';
import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import { TEMPLATE_ROLES } from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { inForce } from '../directory/in-force.ts';
import { NO_ROLES, rolesByUser, rolesOf } from '../directory/roles.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** How one connection stands at a moment: whether its person could open it now, and until when that is known. */
export interface Standing {
  connectionId: string;
  workspaceId: string;
  /** null: not at all */
  access: ViewerAccess | null;
  /** false when session, person or organisation is not good any more, or a second factor is required and missing */
  isAlive: boolean;
  /** the earliest end of the session and of whatever may give access; nothing lapses before it */
  lapsesAt: string;
  /** what the connection's row says of that; null before its ticket opened a socket */
  lapseNoted: string | null;
}

/** Which connections: a condition on `c` with at most one value. */
export interface Which {
  where: string;
  value: string | null;
}
export const OPEN: Which = { where: 'c.ended_at IS NULL', value: null };
/** @param users JSON array of ids */
export const openOf = (users: string): Which => ({
  where: 'c.ended_at IS NULL AND c.user_id IN (SELECT value FROM json_each(?))',
  value: users,
});
export const thoseNamed = (ids: readonly string[]): Which => ({
  where: 'c.ended_at IS NULL AND c.id IN (SELECT value FROM json_each(?))',
  value: JSON.stringify(ids),
});
export const ofTicket = (hash: string): Which => ({
  where: 'c.id = (SELECT k.connection_id FROM tickets k WHERE k.tenant_id = c.tenant_id AND k.ticket_hash = ?)',
  value: hash,
});

/** What the organisation's rule asks of a person, here `u`, whose session did not begin at its identity provider. */
const HAS_SECOND_FACTOR = `(EXISTS (SELECT 1 FROM passkeys p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id)
            OR EXISTS (SELECT 1 FROM totp_secrets f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.id AND f.confirmed_at IS NOT NULL))`;

/**
 * ?1 tenant, ?2 now, ?3 the condition's value. Whoever is concerned, with all that an entry or a role may name them by;
 * then what names them on each connection's template: rank 0 nothing to 3 admin. CROSS JOIN keeps SQLite at the order that
 * is written: left to itself it may begin with all memberships of the tenant. A membership’s end counts
 * whatever it gives.
 */
const standing = (where: string) => `
  WITH RECURSIVE subject (user_id, type, id) AS (
    SELECT c.user_id, 'user', c.user_id FROM connections c WHERE c.tenant_id = ?1 AND ${where}
    UNION SELECT c.user_id, 'everyone', '' FROM connections c WHERE c.tenant_id = ?1 AND ${where}
    UNION SELECT subject.user_id, 'group', m.group_id FROM subject CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id AND ${inForce('m', '?2')}
  ), standing AS (
    SELECT c.id, c.workspace_id, c.user_id, c.app_shared AS shared, c.lapses_at AS noted, w.owner_id = c.user_id AS mine, t.id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM runners k WHERE k.tenant_id = ?1 AND k.id = w.runner_id AND coalesce(k.revoked_at, k.deleted_at) IS NOT NULL) AS there,
      coalesce(s.expires_at > ?2, 0) AND EXISTS (
        SELECT 1 FROM users u JOIN tenants o ON o.tenant_id = u.tenant_id AND o.state = 'active'
        WHERE u.tenant_id = ?1 AND u.id = c.user_id AND u.state = 'active'
          AND (o.two_factors_required = 0 OR s.method = 'sso' OR ${HAS_SECOND_FACTOR})) AS alive,
      coalesce(max(CASE a.role WHEN 'view' THEN 1 WHEN 'use' THEN 2 WHEN 'admin' THEN 3 END), 0) AS rank,
      min(coalesce(s.expires_at, ?2), coalesce(min(a.expires_at), '9'), coalesce(min(r.expires_at), '9'),
        coalesce(min(n.expires_at), '9')) AS lapses
    FROM connections c
    CROSS JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id
    LEFT JOIN templates t ON t.tenant_id = ?1 AND t.id = w.template_id AND t.deleted_at IS NULL
    LEFT JOIN sessions s ON s.tenant_id = ?1 AND s.id = c.session_id
    CROSS JOIN subject ON subject.user_id = c.user_id
    LEFT JOIN template_acl a ON a.tenant_id = ?1 AND a.template_id = t.id AND a.subject_type = subject.type
      AND a.subject_id = subject.id AND ${inForce('a', '?2')}
    LEFT JOIN role_assignments r ON r.tenant_id = ?1 AND r.subject_type = subject.type AND r.subject_id = subject.id AND r.expires_at > ?2
    LEFT JOIN group_members n ON n.tenant_id = ?1 AND n.member_type = subject.type AND n.member_id = subject.id AND n.expires_at > ?2
    WHERE c.tenant_id = ?1 AND ${where}
    GROUP BY c.id
  )`;

const bound = (sql: string, { tenantId }: TenantDb, { value }: Which, now: string): Statement =>
  statement(sql, ...[tenantId, now, ...(value === null ? [] : [value])]);
const numbered = ({ where }: Which) => where.replace('?', '?3');

/** Statements whose answers `standingFrom` reads, to be sent in one batch with whatever else is asked. */
export function standingQuery(db: TenantDb, which: Which, now: string): [Statement, Statement] {
  const people = statement(
    `SELECT c.user_id FROM connections c WHERE c.tenant_id = ? AND ${which.where}`,
    ...[db.tenantId, ...(which.value === null ? [] : [which.value])],
  );
  return [bound(`${standing(numbered(which))} SELECT * FROM standing`, db, which, now), rolesOf(db.tenantId, people, now)];
}

/** Writes down when these lapse, which also says that they became sockets. */
export const noteLapses = (db: TenantDb, which: Which, now: string): Statement =>
  bound(
    `${standing(numbered(which))}
     UPDATE connections SET lapses_at = (SELECT lapses FROM standing WHERE standing.id = connections.id)
     WHERE tenant_id = ?1 AND id IN (SELECT id FROM standing)`,
    ...([db, which, now] as const),
  );

const row = z.object({
  id: z.string(),
  workspace_id: z.string(),
  user_id: z.string(),
  noted: z.string().nullable(),
  mine: z.number(),
  shared: z.number(),
  there: z.number(),
  alive: z.number(),
  rank: z.number(),
  lapses: z.string(),
});

type Rows = { rows: Array<Record<string, unknown>> } | undefined;

/** What `standingQuery` answered. */
export function standingFrom(connections: Rows, given: Rows): Standing[] {
  const roles = rolesByUser(given?.rows ?? []);
  return (connections?.rows ?? [])
    .map((each) => row.parse(each))
    .map((each) => {
      const held = roles.get(each.user_id) ?? NO_ROLES;
      const adminOfAll = permissionsOf(held.roles, held.customRoles).has('template:admin');
      const role = adminOfAll ? 'admin' : (TEMPLATE_ROLES[each.rank - 1] ?? null);
      const isAlive = each.alive === 1;
      return {
        connectionId: each.id,
        workspaceId: each.workspace_id,
        // What opens a shared app is that its person is of the organisation; what the policy says of it is looked at beside this.
        access: isAlive && each.there === 1 ? (connectAccess(each.mine === 1, role) ?? (each.shared === 1 ? 'join' : null)) : null,
        isAlive,
        lapsesAt: each.lapses,
        lapseNoted: each.noted,
      };
    });
}

export async function findStanding(db: TenantDb, which: Which, now: string): Promise<Standing[]> {
  const [connections, given] = await db.batch(standingQuery(db, which, now));
  return standingFrom(connections, given);
}
