import { networkOf } from '../access/networks.ts';
import { givenIn } from '../access/power.ts';
import type { AuditEvent } from './event.ts';

/**
 * What the trail is watched for, as data: each rule says what counts, for whom, and when it is too much. The ledger keeps the
 * counts and evaluates the rules on each event as it is recorded.
 */

export const SEVERITIES = ['low', 'medium', 'high'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** `open` until somebody has looked. */
export const FINDING_STATES = ['open', 'acknowledged', 'resolved'] as const;
export type FindingState = (typeof FINDING_STATES)[number];

/** Whom or what a finding is about: the key tells them apart, the name is for people. */
export interface FindingSubject {
  key: string;
  name: string;
}

type Watched = Pick<AuditEvent, 'actor' | 'action' | 'resource' | 'outcome' | 'reason' | 'status' | 'origin' | 'details'>;
type Test = (event: Watched) => boolean;

/** How events make a finding. All times are those of the events. */
export type Pattern =
  /** each one is a finding */
  | { kind: 'each'; event: Test }
  /** so many about one subject within so many minutes */
  | { kind: 'count'; event: Test; threshold: number; minutes: number }
  /** so many different values about one subject */
  | { kind: 'distinct'; event: Test; value: (event: Watched) => string; threshold: number; minutes: number }
  /** so many, and then one of another kind */
  | { kind: 'then'; event: Test; then: Test; threshold: number; minutes: number }
  /** a value that this subject never had; its very first is no news, and null is no value */
  | { kind: 'first'; event: Test; value: (event: Watched) => string | null };

export interface FindingRule {
  title: string;
  /** what it looks for, and what that may mean */
  says: string;
  /** what to do about it */
  advice: string;
  severity: Severity;
  subject(event: Watched): FindingSubject;
  pattern: Pattern;
}

const isSignIn = ({ action }: Watched) => action === 'user.sign_in';
const signedIn: Test = (event) => isSignIn(event) && event.outcome === 'success';
/** Wrong passwords and codes, of people who are not there too; what the throttle refused is one event for many attempts. */
const signInFailed: Test = (event) => isSignIn(event) && event.outcome !== 'success' && event.reason !== 'organisation suspended';

/** Somebody unknown is whoever they said they were. */
const account = ({ resource, actor }: Watched): FindingSubject => ({
  key: resource.id ?? (actor.email ?? resource.name).toLowerCase(),
  name: resource.name,
});
const network = ({ origin }: Watched): FindingSubject => {
  const name = networkOf(origin?.ip ?? null);
  return { key: name, name: name === 'unknown' ? 'an unknown network' : name };
};
const person = ({ actor }: Watched): FindingSubject => ({ key: actor.id ?? actor.name, name: actor.name });
const resource = ({ resource: { id, name } }: Watched): FindingSubject => ({ key: id ?? name, name });

/** The use cases say in the event what was given by it (`core/access/power.ts`); what was refused gave nothing. */
const gave = ({ outcome, details }: Watched) => (outcome === 'success' ? givenIn(details) : { power: false, self: false });

/** Whom the power went to, by what: "User admin to Ana", "Ana in group Admins". */
const receiver = ({ action, resource: what, details }: Watched): FindingSubject => {
  const key = what.id ?? what.name;
  switch (action) {
    case 'group.members.update':
      return { key, name: `${String(details['to'] ?? 'somebody')} in group ${what.name}` };
    case 'user.join':
      return { key, name: `${what.name}, by an invitation` };
    case 'role.update':
      return { key, name: `all who hold role ${what.name}` };
    case 'service_account.create':
    case 'service_account.update':
      return { key, name: `service account ${what.name}` };
    case 'token.create':
      return { key, name: `API token ${what.name}` };
    default:
      return { key, name: what.name };
  }
};

const STOPS_EXPORT: readonly string[] = ['siem.pause', 'siem.delete', 'siem.failing', 'siem.stalled'];

export const FINDING_RULES = {
  'brute-force': {
    title: 'Many failed sign-ins of one account',
    says: 'At least 8 sign-ins of one account failed within 15 minutes: somebody may be guessing its password.',
    advice: 'Ask the person whether it was them. If not: see where it came from, and require a second factor.',
    severity: 'medium',
    subject: account,
    pattern: { kind: 'count', event: signInFailed, threshold: 8, minutes: 15 },
  },
  'password-spray': {
    title: 'Failed sign-ins of many accounts from one network',
    says: 'Sign-ins of at least 10 accounts failed from one network within 15 minutes: somebody may be trying few passwords on many people.',
    advice: 'See whether one of them succeeded. Limit the networks from which people may sign in, or require a second factor.',
    severity: 'high',
    subject: network,
    pattern: { kind: 'distinct', event: signInFailed, value: (event) => account(event).key, threshold: 10, minutes: 15 },
  },
  'failures-then-success': {
    title: 'Failed sign-ins, then one that succeeded',
    says: 'At least 5 sign-ins of one account failed within 30 minutes, and then one succeeded: a password may have been guessed.',
    advice: 'Ask the person whether it was them. If not: end their sessions, reset the password, and look at what the session did.',
    severity: 'high',
    subject: account,
    pattern: { kind: 'then', event: signInFailed, then: signedIn, threshold: 5, minutes: 30 },
  },
  'new-country': {
    title: 'Sign-in from a country new for this person',
    says: 'Somebody signed in from a country from which they never did.',
    advice: 'Ask the person whether they travel. If not: end their sessions and reset the password.',
    severity: 'medium',
    subject: person,
    pattern: { kind: 'first', event: signedIn, value: ({ origin }) => origin?.country ?? null },
  },
  'new-device': {
    title: 'Sign-in with a browser or system new for this person',
    says: 'Somebody signed in with a browser or an operating system that they never used here.',
    advice: 'Expected with a new machine; the person was told by mail.',
    severity: 'low',
    subject: person,
    // What a new device is, the directory knows, which has all that somebody ever used.
    pattern: { kind: 'each', event: (event) => signedIn(event) && event.details['newDevice'] === true },
  },
  'admin-grant': {
    title: 'Power over access was given',
    says: 'Somebody can now decide what others may do, or can for longer: by a role, a group that gives one, an invitation, a role that got more permissions, a service account or an API token.',
    advice: 'See that somebody asked for it and that it is still needed; prefer a role or a membership that ends.',
    severity: 'medium',
    subject: receiver,
    // What somebody gives themselves is told by the rule below.
    pattern: { kind: 'each', event: (event) => gave(event).power && !gave(event).self },
  },
  'self-grant': {
    title: 'Somebody gave a role to themselves',
    says: 'Somebody gave themselves a role, directly or by a group that they are in, keeps it for longer, or added permissions to a role that they hold.',
    advice: 'Ask them why, and whether a second person knows.',
    severity: 'high',
    subject: person,
    pattern: { kind: 'each', event: (event) => gave(event).self },
  },
  'break-glass': {
    title: 'Somebody came in past the identity provider',
    says: 'The organisation requires single sign-on, and one of the few who need not use it signed in without.',
    advice: 'Expected while the provider is down. If it is not: ask the person, and end the session if it was not them.',
    severity: 'high',
    subject: person,
    pattern: { kind: 'each', event: (event) => signedIn(event) && event.details['breakGlass'] === true },
  },
  'export-stopped': {
    title: 'The trail does not reach a SIEM',
    says: 'A SIEM destination was paused or removed, or fails.',
    advice: 'Nothing is lost: what was not delivered follows. See why it stopped, and resume it.',
    severity: 'high',
    subject: resource,
    pattern: { kind: 'each', event: ({ action, outcome }) => STOPS_EXPORT.includes(action) && outcome === 'success' },
  },
} as const satisfies Record<string, FindingRule>;

export type FindingRuleId = keyof typeof FINDING_RULES;
export const FINDING_RULE_IDS = Object.keys(FINDING_RULES) as [FindingRuleId, ...FindingRuleId[]];

/** The rule, seen alike for all. */
export const findingRule = (id: FindingRuleId): FindingRule => FINDING_RULES[id];
