import { z } from 'zod';
import { intersectNetworks, normalNetwork, reduceNetworks } from './networks.ts';

/** Security policy: what its fields are, and how three levels make one. */

export const LEVELS = ['deployment', 'tenant', 'template'] as const;
export type Level = (typeof LEVELS)[number];
/** `default`: nobody has set it */
export type Source = Level | 'default';

export const ENFORCERS = ['worker', 'broker', 'ide', 'runner'] as const;
export type Enforcer = (typeof ENFORCERS)[number];

/** 12 hours: no session is longer, whatever is set. */
const LONGEST_MINUTES = 720;
const LONGEST_IDLE_MINUTES = 120;
/** No session is longer, and each asks by itself. */
const LONGEST_STEP_UP_HOURS = LONGEST_MINUTES / 60;
/** what the files service moves at most */
const MOST_MEGABYTES = 100;

const network = z.string().transform((text, context) => {
  const normal = normalNetwork(text);
  if (normal !== null) return normal;
  context.addIssue('must be a network such as 10.20.0.0/14, or one address');
  return z.NEVER;
});
const onOff = z.enum(['off', 'on']);
const megabytes = z.number().int().min(0).max(MOST_MEGABYTES, `must be at most ${MOST_MEGABYTES}; 0 blocks`);

/** Each field's values as one level sets them. */
const FIELD_SCHEMAS = {
  browserOnly: onOff,
  allowedNetworks: z.array(network).min(1, 'must name a network, or be left out').max(50).transform(reduceNetworks),
  sessionLimit: z.number().int().min(15).max(LONGEST_MINUTES, `must be at most ${LONGEST_MINUTES}`),
  idleTimeout: z.number().int().min(10).max(LONGEST_IDLE_MINUTES, `must be at most ${LONGEST_IDLE_MINUTES}`),
  stepUp: z.number().int().min(1).max(LONGEST_STEP_UP_HOURS, `must be at most ${LONGEST_STEP_UP_HOURS}`),
  autoStop: z.number().int().min(10).max(43_200),
  upload: megabytes,
  download: megabytes,
  watermark: onOff,
  recording: z.enum(['off', 'on', 'required']),
};
export type PolicyField = keyof typeof FIELD_SCHEMAS;
export const POLICY_FIELDS = Object.keys(FIELD_SCHEMAS) as [PolicyField, ...PolicyField[]];

/** Fields of the design that nothing enforces yet: they can't be set, and say why. */
export const UNAVAILABLE = {
  clipboardOut: { label: 'Clipboard out', group: 'Data', reason: 'Not available yet: nothing counts or stops what is copied out.' },
  clipboardIn: {
    label: 'Clipboard in',
    group: 'Data',
    reason: 'Not available yet: the runner can’t tell what is pasted from what is typed.',
  },
  ports: {
    label: 'Ports and web apps',
    group: 'Reach',
    reason: 'Not available yet. There is no way to a port: it is closed to everybody.',
  },
  egress: { label: 'Egress', group: 'Reach', reason: 'Not available yet: no sandbox limits where a workspace connects to.' },
  git: { label: 'Git', group: 'Reach', reason: 'Not available yet: there is no proxy between a workspace and its repositories.' },
  recordInput: {
    label: 'Recording of input',
    group: 'Evidence',
    reason:
      'Not offered: nobody can tell for each key whether the program that will read it echoes it, and a password must not be recorded.',
  },
} as const;
export type UnavailableField = keyof typeof UNAVAILABLE;

const refused = Object.fromEntries(
  Object.entries(UNAVAILABLE).map(([field, { reason }]) => [
    field,
    z
      .unknown()
      .refine((value) => value === undefined, reason)
      .optional(),
  ]),
) as Record<UnavailableField, z.ZodOptional<z.ZodUnknown>>;

const shape = Object.fromEntries(Object.entries(FIELD_SCHEMAS).map(([field, schema]) => [field, schema.optional()])) as {
  [F in PolicyField]: z.ZodOptional<(typeof FIELD_SCHEMAS)[F]>;
};
/** What one level sets; a field that is left out is not set there. */
export const policyValues = z.strictObject({ ...shape, ...refused });
export type PolicyValues = { [F in PolicyField]?: z.output<(typeof FIELD_SCHEMAS)[F]> | undefined };

/** The policy in force. `null` sets no bound. */
export interface Policy {
  browserOnly: 'off' | 'on';
  allowedNetworks: string[] | null;
  sessionLimit: number;
  idleTimeout: number;
  /** hours */
  stepUp: number | null;
  autoStop: number | null;
  upload: number | null;
  download: number | null;
  watermark: 'off' | 'on';
  recording: 'off' | 'on' | 'required';
}

/** In force where nobody has set anything. The deployment may loosen these; nobody below it can. */
export const DEFAULT_POLICY: Policy = {
  browserOnly: 'on',
  allowedNetworks: null,
  sessionLimit: LONGEST_MINUTES,
  idleTimeout: LONGEST_IDLE_MINUTES,
  stepUp: null,
  autoStop: null,
  upload: null,
  download: null,
  watermark: 'off',
  recording: 'off',
};

export interface Field {
  label: string;
  group: 'Connection' | 'Data' | 'Evidence';
  /** how its values are ordered: `switch` off to on, `recording` off to on to required, `most` large to small, `networks` wide to narrow */
  order: 'switch' | 'recording' | 'most' | 'networks';
  unit: 'minutes' | 'hours' | 'MB' | null;
  enforcedBy: readonly Enforcer[];
  says: string;
  refuses: string;
}

export const FIELDS: { readonly [F in PolicyField]: Field } = {
  browserOnly: {
    label: 'Browser-only',
    group: 'Connection',
    order: 'switch',
    unit: null,
    enforcedBy: ['worker', 'broker', 'runner'],
    says: 'A workspace opens only for a session that began in that browser, with a key that can’t leave it.',
    refuses: 'Tokens, copied cookies, and tickets that are asked for without that key.',
  },
  allowedNetworks: {
    label: 'Allowed networks',
    group: 'Connection',
    order: 'networks',
    unit: null,
    enforcedBy: ['worker'],
    says: 'Where people may sign in, work and connect from, with tokens too.',
    refuses: 'Sign-in, requests and connections from other addresses. A service account’s token that names its own networks goes by these.',
  },
  sessionLimit: {
    label: 'Session limit',
    group: 'Connection',
    order: 'most',
    unit: 'minutes',
    enforcedBy: ['worker', 'broker'],
    says: 'How long after sign-in a session and its connections end.',
    refuses: 'Everything asked with a session that is older.',
  },
  idleTimeout: {
    label: 'Idle time',
    group: 'Connection',
    order: 'most',
    unit: 'minutes',
    enforcedBy: ['worker', 'broker'],
    says: 'How long a session may go unused, and a connection without anything typed or saved.',
    refuses: 'Sessions and connections that were left alone for longer.',
  },
  stepUp: {
    label: 'Passkey presence',
    group: 'Connection',
    order: 'most',
    unit: 'hours',
    enforcedBy: ['worker', 'broker'],
    says: 'How long a passkey that was shown opens workspaces and keeps them open. Whoever has none opens none.',
    refuses: 'Opening a workspace with a session in which no passkey was shown for longer.',
  },
  autoStop: {
    label: 'Auto-stop',
    group: 'Connection',
    order: 'most',
    unit: 'minutes',
    enforcedBy: ['worker'],
    says: 'A workspace that nobody is connected to is stopped after this time. Its files are kept.',
    refuses: 'Workspaces that run on with nobody there.',
  },
  upload: {
    label: 'Upload',
    group: 'Data',
    order: 'most',
    unit: 'MB',
    enforcedBy: ['runner'],
    says: 'The largest file that a browser may write into a workspace. The editor saves the same way: blocked, it only reads.',
    refuses: 'Files from the browser that are larger.',
  },
  download: {
    label: 'Download',
    group: 'Data',
    order: 'most',
    unit: 'MB',
    enforcedBy: ['runner'],
    says: 'The largest file that a browser may read from a workspace. The editor opens files the same way: blocked, it opens none.',
    refuses: 'Files to the browser that are larger. What a terminal prints is not counted.',
  },
  watermark: {
    label: 'Watermark',
    group: 'Evidence',
    order: 'switch',
    unit: null,
    enforcedBy: ['ide'],
    says: 'Person, time and session stand faintly over the workspace. It deters and leaves evidence; it prevents nothing.',
    refuses: 'Nothing: whoever photographs the screen photographs this, too.',
  },
  recording: {
    label: 'Recording',
    group: 'Evidence',
    order: 'recording',
    unit: null,
    enforcedBy: ['runner'],
    says: 'The runner records what terminals print, sealed to the organisation’s recording key. Required: nothing is shown that is not recorded.',
    refuses: 'Where it is required, terminals whose output can’t be recorded: they wait until it can.',
  },
};

type Value = string | number | string[] | null;

/** The stricter of two values of a field. `null` bounds nothing. */
function stricter(order: Field['order'], a: Value, b: Value): Value {
  if (a === null || b === null) return a ?? b;
  if (order === 'networks') return intersectNetworks(a as string[], b as string[]);
  if (order === 'most') return Math.min(a as number, b as number);
  if (order === 'recording') return RECORDING_ORDER.findLast((value) => value === a || value === b) ?? 'off';
  return a === 'on' || b === 'on' ? 'on' : 'off';
}

const RECORDING_ORDER = ['off', 'on', 'required'] as const;

const same = (a: Value, b: Value): boolean => JSON.stringify(a) === JSON.stringify(b);

export interface Merged<F extends PolicyField = PolicyField> {
  field: F;
  value: Policy[F];
  source: Source;
  /** what other levels set, and is not in force */
  overruled: Array<{ level: Level; value: Policy[F] }>;
}
export type MergedPolicy = { [F in PolicyField]: Merged<F> };

/**
 * The strictest value of each field wins, and is the highest level's that sets it. What the deployment sets replaces
 * the default; the levels below it can only make a value stricter.
 */
export function mergePolicy(deployment: PolicyValues, tenant: PolicyValues, template: PolicyValues = {}): MergedPolicy {
  const levels = { deployment, tenant, template };
  const merge = (field: PolicyField) => {
    let value: Value = deployment[field] ?? DEFAULT_POLICY[field];
    let source: Source = deployment[field] === undefined ? 'default' : 'deployment';
    for (const level of ['tenant', 'template'] as const) {
      const set = levels[level][field];
      if (set === undefined) continue;
      const next = stricter(FIELDS[field].order, value, set);
      if (!same(next, value)) [value, source] = [next, level];
    }
    const overruled = LEVELS.flatMap((level) => {
      const set = levels[level][field];
      return set === undefined || level === source || same(set, value) ? [] : [{ level, value: set }];
    });
    return { field, value, source, overruled };
  };
  return Object.fromEntries(POLICY_FIELDS.map((field) => [field, merge(field)])) as unknown as MergedPolicy;
}

/** The values in force, without where they come from. */
export const valuesOf = (merged: MergedPolicy): Policy =>
  Object.fromEntries(POLICY_FIELDS.map((field) => [field, merged[field].value])) as unknown as Policy;

/** Whether `a` allows nothing that `b` does not. */
export function atLeastAsStrict(a: Policy, b: Policy): boolean {
  return POLICY_FIELDS.every((field) => same(stricter(FIELDS[field].order, a[field], b[field]), a[field]));
}

/**
 * When a passkey that was last shown then must be shown again (ISO); null: the policy never asks. That it was never shown
 * is long ago.
 */
export function presenceUntil(shownAt: string | null, { stepUp }: Pick<Policy, 'stepUp'>): string | null {
  return stepUp === null ? null : new Date((shownAt === null ? 0 : Date.parse(shownAt)) + stepUp * 3_600_000).toISOString();
}

/** A value in words for people. */
export function inWords(field: PolicyField, value: Policy[PolicyField]): string {
  if (value === null)
    return field === 'allowedNetworks' ? 'Everywhere' : field === 'autoStop' || field === 'stepUp' ? 'Never' : `Up to ${MOST_MEGABYTES} MB`;
  if (Array.isArray(value)) return value.length === 0 ? 'Nowhere' : value.length <= 2 ? value.join(', ') : `${value.length} networks`;
  if (typeof value === 'string') return value === 'on' ? 'On' : value === 'required' ? 'Required' : 'Off';
  if (FIELDS[field].unit === 'MB') return value === 0 ? 'Blocked' : `Up to ${value} MB`;
  if (FIELDS[field].unit === 'hours') return `Every ${value} h`;
  return value % 60 === 0 ? `${value / 60} h` : `${value} min`;
}
