import { DEFAULT_POLICY, POLICY_FIELDS, type Policy } from '@gatehouse/core/access/policy-in-force.ts';

/** The few words that a status bar has room for. */
export function policySummary(policy: Policy): string {
  const more = POLICY_FIELDS.filter(
    (field) => field !== 'browserOnly' && JSON.stringify(policy[field]) !== JSON.stringify(DEFAULT_POLICY[field]),
  );
  const first = policy.browserOnly === 'on' ? 'Browser-only' : 'Not browser-only';
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}
