import { AppError } from '@gatehouse/core/errors.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/**
 * An organisation always keeps an active owner: a person in state `active` who holds the role `owner`, directly or through
 * groups however deep, without an end. One whose role, or a membership on the way to it, ends does not count, or the organisation
 * would be left behind then.
 */

/**
 * A statement that undoes its whole batch when no active owner is left. Put it last into `changes` of `commit()`: it looks at
 * what the statements before it have made, so it holds for demoting, suspending and deleting alike, and whatever else happens
 * at the same time. Wrap the commit in `onLastOwner`.
 */
export const ownerRemains = (db: TenantDb): Statement =>
  statement(
    // created_at NULL is refused by the table, and its name tells this refusal from that of a guard (body).
    `INSERT INTO outbox (tenant_id, id, created_at, body) SELECT ?1, 'no-owner', NULL, '[]'
     WHERE NOT EXISTS (
       WITH RECURSIVE holder (type, id) AS (
         SELECT subject_type, subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND expires_at IS NULL
         UNION
         SELECT m.member_type, m.member_id FROM holder
         JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = holder.id AND m.expires_at IS NULL WHERE holder.type = 'group'
       )
       SELECT 1 FROM holder JOIN users u ON u.tenant_id = ?1 AND u.id = holder.id WHERE holder.type = 'user' AND u.state = 'active'
     )`,
    db.tenantId,
  );

/**
 * Its `found` is 1 when there are two such owners. Walks up to the groups first, which are few, and takes from their members only
 * as many as it needs: a group of ten thousand costs no more than one of two.
 */
export const hasSecondOwner = (db: TenantDb): Statement =>
  statement(
    `WITH RECURSIVE owning (id) AS (
       SELECT subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND subject_type = 'group' AND expires_at IS NULL
       UNION
       SELECT m.member_id FROM owning
       JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = owning.id AND m.member_type = 'group' AND m.expires_at IS NULL
     ), holder (id) AS (
       SELECT subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND subject_type = 'user' AND expires_at IS NULL
       UNION ALL
       SELECT m.member_id FROM owning
       CROSS JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = owning.id AND m.member_type = 'user' AND m.expires_at IS NULL
     )
     SELECT count(*) = 2 AS found FROM (
       SELECT DISTINCT u.id FROM holder CROSS JOIN users u ON u.tenant_id = ?1 AND u.id = holder.id WHERE u.state = 'active' LIMIT 2
     )`,
    db.tenantId,
  );

/** Whether a batch was undone by `ownerRemains`. */
export const isLastOwner = (error: unknown): boolean => String(error).includes('NOT NULL constraint failed: outbox.created_at');

/** Turns the refusal of `ownerRemains` into the error that people see. @throws AppError `conflict` */
export async function onLastOwner<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!isLastOwner(cause)) throw cause;
    throw new AppError(
      'conflict',
      'The organisation would be left without an active owner. Make somebody else an owner, without an end, first.',
    );
  }
}
