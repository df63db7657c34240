import { FIELDS, inWords } from '@gatehouse/core/access/policy.ts';
import { POLICY_FIELDS, type Policy } from '@gatehouse/core/access/policy-in-force.ts';

/** Each field of a policy in force, as a line. */
export const policyWords = (policy: Policy): string[] =>
  POLICY_FIELDS.map((field) => `${FIELDS[field].label}: ${inWords(field, policy[field])}`);
