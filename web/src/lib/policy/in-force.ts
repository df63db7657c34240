import { DEFAULT_POLICY, FIELDS, inWords, POLICY_FIELDS, type Policy } from '@gatehouse/core/access/policy.ts';

/** Each field of a policy in force, as a line. */
export const policyWords = (policy: Policy): string[] =>
  POLICY_FIELDS.map((field) => `${FIELDS[field].label}: ${inWords(field, policy[field])}`);

/** The few words that a status bar has room for. */
export function policySummary(policy: Policy): string {
  const more = POLICY_FIELDS.filter(
    (field) => field !== 'browserOnly' && JSON.stringify(policy[field]) !== JSON.stringify(DEFAULT_POLICY[field]),
  );
  const first = policy.browserOnly === 'on' ? 'Browser-only' : 'Not browser-only';
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}
