import type { GitRules } from './egress.ts';
import type { EgressMode } from './egress-modes.ts';

/** Security policy as it is in force: what the three levels of `policy.ts` come to. */

/** 12 hours: no session is longer, whatever is set. */
export const LONGEST_MINUTES = 720;
export const LONGEST_IDLE_MINUTES = 120;

/** Whether terminals are recorded, the strictest first. */
export const RECORDING = ['required', 'on', 'off'] as const;
/** Who may open web apps and ports, the strictest first. */
export const PORTS = ['off', 'owner', 'tenant'] as const;

/** The policy in force. `null` sets no bound. */
export interface Policy {
  browserOnly: 'off' | 'on';
  allowedNetworks: string[] | null;
  sessionLimit: number;
  idleTimeout: number;
  /** hours */
  stepUp: number | null;
  autoStop: number | null;
  /** hours; says something only beside `autoStop` */
  unattendedWork: number;
  /** days */
  leavers: number | null;
  upload: number | null;
  download: number | null;
  /** kilobytes of one copy, and of one paste */
  clipboardOut: number | null;
  clipboardIn: number | null;
  ports: (typeof PORTS)[number];
  watermark: 'off' | 'on';
  egress: EgressMode;
  /** hosts that the web proxy lets through; nothing where nobody has set any */
  egressHosts: string[];
  /** null: nobody has set any, and the template's own repository may be fetched */
  git: GitRules | null;
  recording: (typeof RECORDING)[number];
}

/** In force where nobody has set anything. The deployment may loosen these; nobody below it can. */
export const DEFAULT_POLICY: Policy = {
  browserOnly: 'on',
  allowedNetworks: null,
  sessionLimit: LONGEST_MINUTES,
  idleTimeout: LONGEST_IDLE_MINUTES,
  stepUp: null,
  autoStop: null,
  // A night's build ends within it, and a loop that somebody forgot does not run through the weekend.
  unattendedWork: 12,
  leavers: null,
  upload: null,
  download: null,
  clipboardOut: null,
  clipboardIn: null,
  // A transport starts closed: the deployment opens it.
  ports: 'off',
  watermark: 'off',
  egress: 'allow-list',
  egressHosts: [],
  git: null,
  recording: 'off',
};

export type PolicyField = keyof Policy;
export const POLICY_FIELDS = Object.keys(DEFAULT_POLICY) as [PolicyField, ...PolicyField[]];
