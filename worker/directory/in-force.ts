/**
 * Condition: what that alias names, a membership, a role or an entry, has not ended at the bound moment. A walk over memberships
 * without it would go on through those that have ended.
 */
export const inForce = (alias: string, now: string): string => `(${alias}.expires_at IS NULL OR ${alias}.expires_at > ${now})`;
