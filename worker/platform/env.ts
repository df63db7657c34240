import { z } from 'zod';
import { FIELDS, policyValues, type PolicyValues } from '@gatehouse/core/access/policy.ts';
import type { PolicyField } from '@gatehouse/core/access/policy-in-force.ts';
import { isUnder } from '@gatehouse/core/apps/host.ts';
import type { HasherObject, LedgerObject, RecordingIndexObject, RunnerObject, ThrottleObject, WorkspaceObject } from './objects.ts';

/** Bindings of wrangler.toml. Shards are bound as SHARD_0, SHARD_1, …; `shardsOf` lists them. */
export interface Env {
  ASSETS: Fetcher;
  DIRECTORY: D1Database;
  AUDIT_ARCHIVE: R2Bucket;
  AUDIT_LEDGER: DurableObjectNamespace<LedgerObject>;
  RUNNER: DurableObjectNamespace<RunnerObject>;
  WORKSPACE: DurableObjectNamespace<WorkspaceObject>;
  THROTTLE: DurableObjectNamespace<ThrottleObject>;
  HASHER: DurableObjectNamespace<HasherObject>;
  RECORDING_INDEX: DurableObjectNamespace<RecordingIndexObject>;
  RECORDINGS: R2Bucket;
  SNAPSHOTS: R2Bucket;
  ARCHIVE_QUEUE: Queue<unknown>;
  DELIVERY_QUEUE: Queue<unknown>;
  /** set when deployed; without it mails go to the local outbox, which only a local deployment has */
  MAIL?: SendEmail;
}

const raw32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const signingKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: raw32, d: raw32 });
/** A secret that is a private key as JWK (JSON). */
const keyOf = <T extends z.ZodType>(schema: T, what: string) =>
  z
    .string()
    .min(1)
    .transform((value, context): z.infer<T> => {
      const key = schema.safeParse(parseJson(value));
      if (key.success) return key.data;
      context.addIssue(`must be ${what}`);
      return z.NEVER;
    });
const secretOf32Bytes = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 random bytes in base64url');

/** OWASP's least for scrypt with blocks of 8 and three lanes */
const PASSWORD_COST = 15;

const settings = z
  .object({
    ENVIRONMENT: z.enum(['deployed', 'local']),
    ORIGIN: z.url(),
    /** web apps live below it, each on a host of its own: `apps.example.net`, with its port if it has one. Left out: there are none; locally the host of ORIGIN */
    APPS_DOMAIN: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^(?=.{1,200}$)[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/, 'must be a host name such as apps.example.net')
      .optional(),
    MAIL_FROM: z.email().default('gatehouse@localhost.localdomain'),
    /** Ed25519 private key as JWK (JSON): signs viewer grants */
    GRANT_KEY: keyOf(signingKey.extend({ kid: z.string().min(1) }), 'an Ed25519 private key as JWK with a kid'),
    /** Ed25519 private key as JWK (JSON): signs the checkpoints of audit logs */
    CHECKPOINT_KEY: keyOf(signingKey, 'an Ed25519 private key as JWK'),
    /** the key before it, while both sign */
    CHECKPOINT_KEY_FORMER: keyOf(signingKey, 'an Ed25519 private key as JWK').optional(),
    /** names this deployment in checkpoints, for good; left out: the host of ORIGIN */
    AUDIT_LOG_NAME: z
      .string()
      .regex(/^[A-Za-z0-9.:/_-]{1,100}$/, 'must have letters, digits and .:/_- only')
      .optional(),
    /** wraps the tenants' data keys */
    KEK: secretOf32Bytes,
    KEK_VERSION: z
      .string()
      .regex(/^[a-z0-9-]{1,20}$/)
      .default('v1'),
    /** the key before it and its version, until every data key is wrapped by the new one */
    KEK_FORMER: secretOf32Bytes.optional(),
    KEK_FORMER_VERSION: z
      .string()
      .regex(/^[a-z0-9-]{1,20}$/)
      .optional(),
    /** the operator's bearer token (tenants list, suspend) */
    OPERATOR_TOKEN: z.string().min(32, 'must have at least 32 characters'),
    /** region of each shard, `s0=auto,s1=eu`: a tenant's region is chosen at sign-up, for good */
    SHARD_REGIONS: z
      .string()
      .regex(/^s\d+=(auto|eu)(,s\d+=(auto|eu))*$/)
      .default('s0=auto'),
    /** local only: TXT records by name as JSON, `{"_gatehouse.acme.test":["gatehouse-verification=…"]}`, to prove mail domains by */
    LOCAL_TXT_RECORDS: z
      .string()
      .default('{}')
      .transform((value, context): Record<string, string[]> => {
        const records = z.record(z.string(), z.array(z.string())).safeParse(parseJson(value));
        if (records.success) return records.data;
        context.addIssue('must be JSON: an array of texts by each name');
        return z.NEVER;
      }),
    /** of scrypt, as a power of two: below the default only on one's own machine, where tests hash all day */
    PASSWORD_COST: z.coerce.number().int().min(4).max(20).default(PASSWORD_COST),
    /** sign-ups from one network in an hour */
    SIGN_UPS_PER_HOUR: z.coerce.number().int().min(0).default(5),
    /** the floor of every organisation's policy; left out: the field's default */
    POLICY_BROWSER_ONLY: z.string().optional(),
    POLICY_ALLOWED_NETWORKS: z.string().optional(),
    POLICY_SESSION_LIMIT: z.string().optional(),
    POLICY_IDLE_TIMEOUT: z.string().optional(),
    POLICY_STEP_UP: z.string().optional(),
    POLICY_AUTO_STOP: z.string().optional(),
    POLICY_UNATTENDED_WORK: z.string().optional(),
    POLICY_LEAVERS: z.string().optional(),
    POLICY_UPLOAD: z.string().optional(),
    POLICY_DOWNLOAD: z.string().optional(),
    POLICY_CLIPBOARD_OUT: z.string().optional(),
    POLICY_CLIPBOARD_IN: z.string().optional(),
    POLICY_PORTS: z.string().optional(),
    POLICY_WATERMARK: z.string().optional(),
    POLICY_EGRESS: z.string().optional(),
    POLICY_EGRESS_HOSTS: z.string().optional(),
    POLICY_GIT_FETCH: z.string().optional(),
    POLICY_GIT_PUSH: z.string().optional(),
    POLICY_RECORDING: z.string().optional(),
  })
  .superRefine((value, context) => {
    const { KEK_FORMER: former, KEK_FORMER_VERSION: formerVersion } = value;
    if ((former === undefined) !== (formerVersion === undefined))
      context.addIssue({ code: 'custom', path: ['KEK_FORMER_VERSION'], message: 'goes with KEK_FORMER' });
    if (formerVersion === value.KEK_VERSION)
      context.addIssue({ code: 'custom', path: ['KEK_VERSION'], message: 'must differ from KEK_FORMER_VERSION' });
    if (value.ENVIRONMENT === 'local') return;
    if (value.PASSWORD_COST < PASSWORD_COST)
      context.addIssue({ code: 'custom', path: ['PASSWORD_COST'], message: `must be at least ${PASSWORD_COST} when deployed` });
    if (!value.ORIGIN.startsWith('https://'))
      context.addIssue({ code: 'custom', path: ['ORIGIN'], message: 'must be https when deployed' });
    if (new URL(value.ORIGIN).hostname.endsWith('example.com'))
      context.addIssue({ code: 'custom', path: ['ORIGIN'], message: 'is still the placeholder' });
    // A page of an app must never be a neighbour of ours: cookies and same-site rules reach across neighbours.
    const [ours, apps] = [new URL(value.ORIGIN).host, value.APPS_DOMAIN];
    if (apps !== undefined && (isUnder(ours, apps) || isUnder(apps, ours) || apps === ours))
      context.addIssue({ code: 'custom', path: ['APPS_DOMAIN'], message: 'must be a domain apart from ORIGIN’s' });
    if (/^(.)\1+$/.test(value.KEK)) context.addIssue({ code: 'custom', path: ['KEK'], message: 'is still the placeholder' });
    if (/replace|change-?me|placeholder/i.test(value.OPERATOR_TOKEN))
      context.addIssue({ code: 'custom', path: ['OPERATOR_TOKEN'], message: 'is still the placeholder' });
  });

export type Settings = Omit<z.infer<typeof settings>, 'AUDIT_LOG_NAME' | 'APPS_DOMAIN'> & {
  AUDIT_LOG_NAME: string;
  /** null: this deployment has no place for web apps */
  APPS_DOMAIN: string | null;
  policy: PolicyValues;
};

const parseJson = (value: string): unknown => {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
};

/** By the bindings that they are of, which live as long as the isolate: to parse them takes longer than most requests. */
// eslint-disable-next-line no-restricted-syntax -- of the deployment, and of no tenant
const known = new WeakMap<object, Settings>();

/**
 * Settings and secrets of this deployment, parsed.
 * @throws Error that names each missing or placeholder setting, never its value
 */
export function parseSettings(env: object): Settings {
  const settings = known.get(env) ?? parse(env);
  known.set(env, settings);
  return settings;
}

function parse(env: object): Settings {
  const parsed = settings.safeParse(env);
  const floor = policyValues.safeParse(floorOf(parsed.data ?? {}));
  if (parsed.success && floor.success) {
    const { origin, hostname, host } = new URL(parsed.data.ORIGIN);
    const { AUDIT_LOG_NAME = hostname, APPS_DOMAIN = parsed.data.ENVIRONMENT === 'local' ? host : null } = parsed.data;
    return { ...parsed.data, ORIGIN: origin, AUDIT_LOG_NAME, APPS_DOMAIN, policy: floor.data };
  }
  const issues = [
    ...(parsed.error?.issues ?? []),
    ...(floor.error?.issues ?? []).map((issue) => ({ ...issue, path: [settingOf(issue.path[0])] })),
  ];
  const faults = issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new Error(`Gatehouse can't start: ${faults.join('; ')}. See .dev.vars.example and docs/deploy.md.`);
}

const FLOOR = {
  browserOnly: 'POLICY_BROWSER_ONLY',
  allowedNetworks: 'POLICY_ALLOWED_NETWORKS',
  sessionLimit: 'POLICY_SESSION_LIMIT',
  idleTimeout: 'POLICY_IDLE_TIMEOUT',
  stepUp: 'POLICY_STEP_UP',
  autoStop: 'POLICY_AUTO_STOP',
  unattendedWork: 'POLICY_UNATTENDED_WORK',
  leavers: 'POLICY_LEAVERS',
  upload: 'POLICY_UPLOAD',
  download: 'POLICY_DOWNLOAD',
  clipboardOut: 'POLICY_CLIPBOARD_OUT',
  clipboardIn: 'POLICY_CLIPBOARD_IN',
  ports: 'POLICY_PORTS',
  watermark: 'POLICY_WATERMARK',
  egress: 'POLICY_EGRESS',
  egressHosts: 'POLICY_EGRESS_HOSTS',
  git: 'POLICY_GIT_FETCH',
  recording: 'POLICY_RECORDING',
} as const satisfies Record<PolicyField, keyof z.infer<typeof settings>>;

/** The variable that sets a field. */
const settingOf = (field: PropertyKey | undefined): string => FLOOR[field as PolicyField] ?? 'POLICY';

/** The policy's values as the variables say them, to be parsed: numbers as numbers, networks between commas. */
function floorOf(variables: Partial<Record<string, unknown>>): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const [field, name] of Object.entries(FLOOR)) {
    const value = variables[name];
    if (typeof value !== 'string' || value.trim() === '') continue;
    const { order } = FIELDS[field as PolicyField];
    if (order === 'networks' || order === 'hosts') set[field] = value.split(',');
    else if (order === 'switch' || order === 'egress' || order === 'choice') set[field] = value.trim();
    else if (order === 'most') set[field] = Number(value);
  }
  const repositories = (name: 'POLICY_GIT_FETCH' | 'POLICY_GIT_PUSH') => {
    const value = variables[name];
    return typeof value === 'string' && value.trim() !== '' ? value.split(',') : undefined;
  };
  const [fetch, push] = [repositories('POLICY_GIT_FETCH'), repositories('POLICY_GIT_PUSH')];
  if (fetch ?? push) set['git'] = { fetch, push };
  return set;
}

/** Every shard by its name in credentials (`s0`), in order. */
export function shardsOf(env: Env): Map<string, D1Database> {
  const found = Object.entries(env)
    .filter(([name]) => /^SHARD_\d+$/.test(name))
    .map(([name, db]) => [`s${name.slice('SHARD_'.length)}`, db as D1Database] as const);
  return new Map(found.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}
