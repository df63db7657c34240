import { z } from 'zod';
import {
  intersectGit,
  intersectHosts,
  normalHostPattern,
  normalRepositoryPattern,
  reduceGit,
  reduceHosts,
  stricterMode,
  type GitRules,
} from './egress.ts';
import { EGRESS_MODES, type EgressMode } from './egress-modes.ts';
import { intersectNetworks, normalNetwork, reduceNetworks } from './networks.ts';
import {
  DEFAULT_POLICY,
  LONGEST_IDLE_MINUTES,
  LONGEST_MINUTES,
  POLICY_FIELDS,
  PORTS,
  RECORDING,
  type Policy,
  type PolicyField,
} from './policy-in-force.ts';

/** Security policy: what its fields are, and how three levels make one. */

export const LEVELS = ['deployment', 'tenant', 'template'] as const;
export type Level = (typeof LEVELS)[number];
/** `default`: nobody has set it */
export type Source = Level | 'default';

export const ENFORCERS = ['worker', 'broker', 'ide', 'runner'] as const;
export type Enforcer = (typeof ENFORCERS)[number];

/** No session is longer, and each asks by itself. */
const LONGEST_STEP_UP_HOURS = LONGEST_MINUTES / 60;
/** a week */
const LONGEST_WORK_HOURS = 168;
/** ten years */
const LONGEST_LEFT_DAYS = 3650;
/** what the files service moves at most */
const MOST_MEGABYTES = 100;
const MOST_KILOBYTES = 1024;

const network = z.string().transform((text, context) => {
  const normal = normalNetwork(text);
  if (normal !== null) return normal;
  context.addIssue('must be a network such as 10.20.0.0/14, or one address');
  return z.NEVER;
});
const hostPattern = z.string().transform((text, context) => {
  const normal = normalHostPattern(text);
  if (normal !== null) return normal;
  context.addIssue('must be a host such as registry.npmjs.org, *.pypi.org or packages.acme.example:8443, not an address');
  return z.NEVER;
});
const repositoryPattern = z.string().transform((text, context) => {
  const normal = normalRepositoryPattern(text);
  if (normal !== null) return normal;
  context.addIssue('must be a repository such as https://git.example/owner/name, or https://git.example/owner/*');
  return z.NEVER;
});
const repositories = z.array(repositoryPattern).max(100).default([]);
const onOff = z.enum(['off', 'on']);
const megabytes = z.number().int().min(0).max(MOST_MEGABYTES, `must be at most ${MOST_MEGABYTES}; 0 blocks`);
const kilobytes = z.number().int().min(0).max(MOST_KILOBYTES, `must be at most ${MOST_KILOBYTES}; 0 blocks`);

/** Each field's values as one level sets them. */
const FIELD_SCHEMAS = {
  browserOnly: onOff,
  allowedNetworks: z.array(network).min(1, 'must name a network, or be left out').max(50).transform(reduceNetworks),
  sessionLimit: z.number().int().min(15).max(LONGEST_MINUTES, `must be at most ${LONGEST_MINUTES}`),
  idleTimeout: z.number().int().min(10).max(LONGEST_IDLE_MINUTES, `must be at most ${LONGEST_IDLE_MINUTES}`),
  stepUp: z.number().int().min(1).max(LONGEST_STEP_UP_HOURS, `must be at most ${LONGEST_STEP_UP_HOURS}`),
  autoStop: z.number().int().min(10).max(43_200),
  unattendedWork: z.number().int().min(1).max(LONGEST_WORK_HOURS, `must be at most ${LONGEST_WORK_HOURS}`),
  leavers: z.number().int().min(1).max(LONGEST_LEFT_DAYS),
  upload: megabytes,
  download: megabytes,
  clipboardOut: kilobytes,
  clipboardIn: kilobytes,
  ports: z.enum(PORTS),
  watermark: onOff,
  egress: z.enum(EGRESS_MODES),
  egressHosts: z.array(hostPattern).max(200).transform(reduceHosts),
  git: z.strictObject({ fetch: repositories, push: repositories }).transform(reduceGit),
  recording: z.enum(RECORDING),
} satisfies Record<PolicyField, z.ZodType>;

/** Fields of the design that nothing enforces yet: they can't be set, and say why. */
export const UNAVAILABLE = {
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

export interface Field {
  label: string;
  group: 'Connection' | 'Data' | 'Reach' | 'Evidence';
  /**
   * how its values are ordered: `switch` off to on, `most` large to small, `networks`, `hosts` and `repositories` wide to narrow,
   * `egress` open to none, `choice` as its choices stand
   */
  order: 'switch' | 'most' | 'networks' | 'egress' | 'hosts' | 'repositories' | 'choice';
  /** of a `choice`, the strictest first */
  choices?: readonly string[];
  unit: 'minutes' | 'hours' | 'days' | 'MB' | 'KB' | null;
  enforcedBy: readonly Enforcer[];
  says: string;
  refuses: string;
}

/**
 * Fields whose default is closed and no floor: the first level that sets one says what there is, and the levels below it can only
 * take away. Of lists that two levels set, what both allow counts.
 */
export const GRANTED: readonly PolicyField[] = ['egress', 'egressHosts', 'git'];

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
    says: 'A workspace that nobody is connected to and in which no program works is stopped after this time. Its files are kept.',
    refuses: 'Workspaces that run on with nobody there. A program that only waits for input, or sleeps, is no work.',
  },
  unattendedWork: {
    label: 'Unattended work',
    group: 'Connection',
    order: 'most',
    unit: 'hours',
    enforcedBy: ['worker'],
    says: 'How long a program at work in a terminal holds up auto-stop after the last person has left. Without auto-stop it says nothing.',
    refuses: 'Programs that would keep a workspace running for ever.',
  },
  leavers: {
    label: 'Workspaces of leavers',
    group: 'Data',
    order: 'most',
    unit: 'days',
    enforcedBy: ['worker'],
    says: 'How long the workspaces of somebody who was suspended or deleted are kept. Then they go into the trash, unless they were given to somebody else.',
    refuses: 'Homes that lie about for ever after their owner has left.',
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
    refuses: 'Files to the browser that are larger. What a terminal prints does not fall under it; it is counted.',
  },
  clipboardOut: {
    label: 'Clipboard out',
    group: 'Data',
    order: 'most',
    unit: 'KB',
    enforcedBy: ['ide', 'runner'],
    says: 'The most that one copy in the editor or a terminal takes to the clipboard. What may not leave pastes anywhere inside the workspace. The page keeps to it; what is on a screen can always be photographed.',
    refuses:
      'Larger copies out of the page, dragging and printing them, and programs in a terminal that write more to the clipboard by themselves.',
  },
  clipboardIn: {
    label: 'Clipboard in',
    group: 'Data',
    order: 'most',
    unit: 'KB',
    enforcedBy: ['ide', 'runner'],
    says: 'The most that one paste puts into a terminal or the editor. What is saved from the editor falls under uploads, too.',
    refuses: 'Larger pastes, and input into terminals that comes faster than a person types. It does not stop typing.',
  },
  ports: {
    label: 'Ports and web apps',
    group: 'Reach',
    order: 'choice',
    choices: PORTS,
    unit: null,
    enforcedBy: ['worker', 'broker', 'runner'],
    says: 'Who may open web apps and ports of a workspace in the browser: nobody, its owner, or whoever the template shares an app with.',
    refuses: 'Web apps and ports to everybody else. Where downloads are limited, every port that the template does not name.',
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
  egress: {
    label: 'Egress',
    group: 'Reach',
    order: 'egress',
    unit: null,
    enforcedBy: ['runner'],
    says: 'Where programs in a workspace may connect to: anywhere, only to what is listed, or nowhere.',
    refuses: 'Every connection out of the sandbox but those through the runner’s proxies to what is listed.',
  },
  egressHosts: {
    label: 'Hosts',
    group: 'Reach',
    order: 'hosts',
    unit: null,
    enforcedBy: ['runner'],
    says: 'Hosts that may be reached over the web, with HTTP and HTTPS, while egress is an allow-list.',
    refuses: 'Every other host, addresses in numbers, and names that lead into private networks.',
  },
  git: {
    label: 'Git',
    group: 'Reach',
    order: 'repositories',
    unit: null,
    enforcedBy: ['runner'],
    says: 'Repositories that may be fetched from and pushed to while egress is an allow-list. Nothing set: the template’s own may be fetched.',
    refuses: 'Other repositories, and every way to a git host but through the runner’s git proxy.',
  },
  recording: {
    label: 'Recording',
    group: 'Evidence',
    order: 'choice',
    choices: RECORDING,
    unit: null,
    enforcedBy: ['runner'],
    says: 'The runner records what terminals print, sealed to the organisation’s recording key. Required: nothing is shown that is not recorded.',
    refuses: 'Where it is required, terminals whose output can’t be recorded: they wait until it can.',
  },
};

type Value = string | number | string[] | GitRules | null;

/** The stricter of two values of a field. `null` bounds nothing. */
function stricter({ order, choices = [] }: Field, a: Value, b: Value): Value {
  if (a === null || b === null) return a ?? b;
  switch (order) {
    case 'networks':
      return intersectNetworks(a as string[], b as string[]);
    case 'hosts':
      return intersectHosts(a as string[], b as string[]);
    case 'repositories':
      return intersectGit(a as GitRules, b as GitRules);
    case 'egress':
      return stricterMode(a as EgressMode, b as EgressMode);
    case 'choice':
      return choices.indexOf(a as string) <= choices.indexOf(b as string) ? a : b;
    case 'most':
      return Math.min(a as number, b as number);
    case 'switch':
      return a === 'on' || b === 'on' ? 'on' : 'off';
  }
}

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
 * the default; the levels below it can only make a value stricter. Of `GRANTED` fields, whatever level sets one first does.
 */
export function mergePolicy(deployment: PolicyValues, tenant: PolicyValues, template: PolicyValues = {}): MergedPolicy {
  const levels = { deployment, tenant, template };
  const browserOnly = [deployment.browserOnly ?? DEFAULT_POLICY.browserOnly, tenant.browserOnly, template.browserOnly].includes('on');
  const merge = (field: PolicyField) => {
    // What leaves a workspace by itself is no question of browsers where they are not asked for.
    const unset = field === 'egress' && !browserOnly ? 'open' : DEFAULT_POLICY[field];
    let value: Value = deployment[field] ?? unset;
    let source: Source = deployment[field] === undefined ? 'default' : 'deployment';
    let bounded = deployment[field] !== undefined || !GRANTED.includes(field);
    for (const level of ['tenant', 'template'] as const) {
      const set = levels[level][field];
      if (set === undefined) continue;
      const next = bounded ? stricter(FIELDS[field], value, set) : set;
      bounded = true;
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
  return POLICY_FIELDS.every((field) => same(stricter(FIELDS[field], a[field], b[field]), a[field]));
}

/**
 * When a passkey that was last shown then must be shown again (ISO); null: the policy never asks. That it was never shown
 * is long ago.
 */
export function presenceUntil(shownAt: string | null, { stepUp }: Pick<Policy, 'stepUp'>): string | null {
  return stepUp === null ? null : new Date((shownAt === null ? 0 : Date.parse(shownAt)) + stepUp * 3_600_000).toISOString();
}

export const EGRESS_WORDS: Record<EgressMode, string> = { open: 'Open', 'allow-list': 'Allow-list', none: 'None' };
const count = (many: number) => (many === 1 ? '1 entry' : `${many} entries`);
const PORTS_WORDS = { off: 'Off', owner: 'Owner only', tenant: 'Organisation' } as const;

/** A value in words for people. */
export function inWords(field: PolicyField, value: Policy[PolicyField]): string {
  if (value === null)
    return field === 'git'
      ? 'The template’s own, to fetch'
      : field === 'allowedNetworks'
        ? 'Everywhere'
        : field === 'autoStop' || field === 'stepUp'
          ? 'Never'
          : field === 'leavers'
            ? 'Kept'
            : FIELDS[field].unit === 'KB'
              ? 'Any size'
              : `Up to ${MOST_MEGABYTES} MB`;
  if (Array.isArray(value)) {
    const many = field === 'egressHosts' ? 'hosts' : 'networks';
    return value.length === 0
      ? field === 'egressHosts'
        ? 'None'
        : 'Nowhere'
      : value.length <= 2
        ? value.join(', ')
        : `${value.length} ${many}`;
  }
  if (typeof value === 'object') {
    const { fetch, push } = value;
    return fetch.length === 0 ? 'None' : `${count(fetch.length)} to fetch, ${push.length === 0 ? 'none' : push.length} to push`;
  }
  if (field === 'egress') return EGRESS_WORDS[value as EgressMode];
  if (field === 'ports') return PORTS_WORDS[value as Policy['ports']];
  if (typeof value === 'string') return value === 'on' ? 'On' : value === 'required' ? 'Required' : 'Off';
  const { unit } = FIELDS[field];
  if (field === 'clipboardOut' && value === 0) return 'Internal only';
  if (unit === 'MB' || unit === 'KB') return value === 0 ? 'Blocked' : `Up to ${value} ${unit}`;
  if (field === 'stepUp') return `Every ${value} h`;
  if (unit === 'days') return value === 1 ? '1 day' : `${value} days`;
  if (unit === 'hours') return `${value} h`;
  return value % 60 === 0 ? `${value / 60} h` : `${value} min`;
}
