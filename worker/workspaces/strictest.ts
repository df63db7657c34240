import type { PolicyField } from '@gatehouse/core/access/policy-in-force.ts';

/**
 * SQL: the strictest number that is set for workspaces `w` by their template, their organisation or the deployment; 1e9 where nobody
 * has set one. @param otherwise the number of a parameter: the deployment's
 */
export const strictest = (field: PolicyField, otherwise: string): string =>
  `min(coalesce(${otherwise}, 1e9), coalesce((SELECT min(json_extract(p.body, '$.${field}')) FROM policies p
    WHERE p.tenant_id = w.tenant_id AND p.scope IN ('tenant', w.template_id)), 1e9))`;
