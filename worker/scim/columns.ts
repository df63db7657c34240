import type { Columns } from '@gatehouse/core/scim/filter-sql.ts';

/** Where people lie, in queries over `scim_users s JOIN users u` that bind ?1 tenant. */
export const USER_COLUMNS: Columns = {
  own: {
    id: 's.user_id',
    externalId: 's.external_id',
    userName: 's.user_name',
    active: "(u.state = 'active')",
    'meta.resourceType': "'User'",
    'meta.created': 's.created_at',
    'meta.lastModified': 's.updated_at',
  },
  json: 's.resource',
  lists: {
    groups: {
      from: `(SELECT g.group_id AS id, g.display_name AS name, m.member_id AS member FROM group_members m CROSS JOIN scim_groups g
        ON g.tenant_id = ?1 AND g.provider_id = s.provider_id AND g.group_id = m.group_id
        WHERE m.tenant_id = ?1 AND m.member_type = 'user' AND m.member_id = s.user_id) entry`,
      parts: { value: 'entry.id', display: 'entry.name', type: "'direct'" },
    },
  },
};

/** Where groups lie, in queries over `scim_groups s` that bind ?1 tenant. */
export const GROUP_COLUMNS: Columns = {
  own: {
    id: 's.group_id',
    externalId: 's.external_id',
    displayName: 's.display_name',
    'meta.resourceType': "'Group'",
    'meta.created': 's.created_at',
    'meta.lastModified': 's.updated_at',
  },
  json: null,
  lists: {
    members: {
      from: `(SELECT m.member_id AS id, m.member_type AS kind, coalesce(u.name, g.name) AS name FROM group_members m
        LEFT JOIN users u ON u.tenant_id = ?1 AND m.member_type = 'user' AND u.id = m.member_id
        LEFT JOIN groups g ON g.tenant_id = ?1 AND m.member_type = 'group' AND g.id = m.member_id
        WHERE m.tenant_id = ?1 AND m.group_id = s.group_id) entry`,
      parts: { value: 'entry.id', display: 'entry.name', type: "CASE entry.kind WHEN 'group' THEN 'Group' ELSE 'User' END" },
    },
  },
};
