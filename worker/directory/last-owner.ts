/**
 * SQL condition: an active owner stays, for good, when these people go. Where it fails, the change that it guards
 * matches nothing. Bind ?1 tenant. @param leaving a query of their ids
 */
export const ownerStays = (leaving: string): string => `EXISTS (
  WITH RECURSIVE holder (type, id) AS (
    SELECT subject_type, subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND expires_at IS NULL
    UNION
    SELECT m.member_type, m.member_id FROM holder
    JOIN group_members m ON m.tenant_id = ?1 AND holder.type = 'group' AND m.group_id = holder.id
  )
  SELECT 1 FROM holder JOIN users o ON o.tenant_id = ?1 AND holder.type = 'user' AND o.id = holder.id
  WHERE o.state = 'active' AND o.id NOT IN (${leaving}))`;
