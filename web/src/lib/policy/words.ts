import type { Source } from '@gatehouse/core/access/policy.ts';
import type { Policy, PolicyField } from '@gatehouse/core/access/policy-in-force.ts';
import { inWords } from '@gatehouse/core/access/policy.ts';
import type { PolicyShown, ShownField } from '@gatehouse/core/api/policy.ts';
import type { Tone } from '#lib/components/Status.svelte';

/** Who has set a value. */
export const SOURCE_WORDS: Record<Source, string> = {
  default: 'Default',
  deployment: 'Deployment',
  tenant: 'Organisation',
  template: 'Template',
};

export const STATE_SHOWN: Record<ShownField['state'], { tone: Tone; word: string }> = {
  enforced: { tone: 'ok', word: 'Enforced' },
  'not enforced': { tone: 'bad', word: 'Not enforced' },
  unknown: { tone: 'unknown', word: 'Unknown' },
};

export const ENFORCER_WORDS = { worker: 'Worker', broker: 'Broker', ide: 'IDE', runner: 'Runner' } as const;

/** What an empty list of each kind shows. */
export const LIST_HINTS = {
  networks: 'Not set. One network a line: 10.20.0.0/14',
  hosts: 'Not set. One host a line: *.pypi.org',
  repositories: 'Not set. One a line:\nhttps://git.example/team/*\npush https://git.example/team/app',
} as const;

/** Where npm, pip, Go and cargo get their packages. */
export const REGISTRIES = [
  'registry.npmjs.org',
  'pypi.org',
  'files.pythonhosted.org',
  'proxy.golang.org',
  'sum.golang.org',
  'index.crates.io',
  'static.crates.io',
];

/** A value as the API gives it, in words. */
export const valueWords = (field: PolicyField, value: unknown): string => inWords(field, value as Policy[PolicyField]);

/** Whom a policy that asks for passkeys keeps out until they register one; '' when nobody, or nobody knows. */
export function passkeysMissing(people: PolicyShown['people'], stepUp: number | null): string {
  if (stepUp === null || people === null || people.withoutPasskey === 0) return '';
  const { total, withoutPasskey: without } = people;
  if (without === total) return 'Nobody has a passkey yet: until they register one, they open no workspace.';
  return `${without} of ${total} people have no passkey: until they register one, they open no workspace.`;
}

/** Why a field is not enforced, or nobody knows. */
export function stateDetail({ state, lacking }: Pick<ShownField, 'state' | 'lacking'>): string {
  if (state === 'not enforced' && lacking.length === 0) return 'Egress is open: this list counts only while egress is an allow-list.';
  if (state === 'not enforced')
    return `${lacking.join(', ')} can’t enforce it, and so refuses every workspace whose policy sets it. No workspace runs without the control.`;
  if (state === 'unknown')
    return 'No answer yet: a runner says what it enforces when it connects. Until then it gets no workspace that needs it.';
  return '';
}

/** Each host or repository of a list, as a line. */
export function listLines(value: ShownField['value']): string[] {
  if (Array.isArray(value)) return value;
  if (value === null || typeof value !== 'object') return [];
  return [
    ...value.fetch.filter((each) => !value.push.includes(each)).map((each) => `fetch ${each}`),
    ...value.push.map((each) => `fetch and push ${each}`),
  ];
}
