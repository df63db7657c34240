import { inForce } from '../directory/in-force.ts';
import { administers, RANK, UNEXPIRED } from './template-access.ts';

/**
 * SQL of everybody whom a template's list and the tenant-wide roles name, groups walked down to their people.
 * Bind ?1 tenant, ?2 template, ?3 now (ISO). `granted` has a row for each subject and rank, everyone's own included.
 */
export const WITH_GRANTED = `
  WITH RECURSIVE granted (type, id, rank) AS (
    SELECT a.subject_type, a.subject_id, ${RANK} FROM template_acl a
    WHERE a.tenant_id = ?1 AND a.template_id = ?2 AND ${UNEXPIRED}
    UNION
    SELECT a.subject_type, a.subject_id, 3 FROM role_assignments a
    WHERE a.tenant_id = ?1 AND ${administers('a.role')} AND ${UNEXPIRED}
    UNION
    SELECT m.member_type, m.member_id, granted.rank FROM granted
    CROSS JOIN group_members m WHERE m.tenant_id = ?1 AND m.group_id = granted.id AND granted.type = 'group' AND ${inForce('m', '?3')}
  )`;
