/** How many workspaces somebody may have, and how many of them may run at once. */
export const QUOTA_FIELDS = ['workspaces', 'running'] as const;
export type QuotaField = (typeof QUOTA_FIELDS)[number];

/** What one level says: null says nothing. */
export type QuotaValues = Record<QuotaField, number | null>;

export interface QuotaSubject {
  type: 'tenant' | 'group' | 'user';
  /** empty for the organisation */
  id: string;
  name: string;
}
export interface QuotaEntry extends QuotaValues {
  subject: QuotaSubject;
}

/** What is in force for somebody, and what says so; both null where nothing does. */
export interface Allowance {
  limit: number | null;
  from: QuotaSubject | null;
}

/**
 * The one number that counts for somebody: their own, else the most generous of their groups', else the organisation's.
 * The most generous, because a group gives something to those in it: to join another one must not take it away.
 * @param entries all that name them, their organisation, or a group that they are in, directly or through others
 */
export function allowanceOf(field: QuotaField, entries: readonly QuotaEntry[]): Allowance {
  const saying = entries.filter((entry) => entry[field] !== null);
  const of = (type: QuotaSubject['type']) => saying.filter(({ subject }) => subject.type === type);
  const [first] = [...of('user'), ...of('group').sort((a, b) => (b[field] ?? 0) - (a[field] ?? 0) || compare(a, b)), ...of('tenant')];
  return first === undefined ? { limit: null, from: null } : { limit: first[field], from: first.subject };
}

const compare = (a: QuotaEntry, b: QuotaEntry) => (a.subject.name < b.subject.name ? -1 : 1);

const NOUNS = {
  workspaces: { one: 'workspace', many: 'workspaces' },
  running: { one: 'running workspace', many: 'running workspaces' },
} as const satisfies Record<QuotaField, { one: string; many: string }>;

/** "3 running workspaces" */
export const quotaNumber = (field: QuotaField, count: number): string =>
  `${count.toLocaleString('en-GB')} ${count === 1 ? NOUNS[field].one : NOUNS[field].many}`;

/** Why: "Group Designers gives you 3 running workspaces". @param whom "you", or a name */
export function allowanceWords(field: QuotaField, { limit, from }: Allowance, whom = 'you'): string {
  if (limit === null || from === null) return 'No limit is set';
  const number = quotaNumber(field, limit);
  switch (from.type) {
    case 'user':
      return `An administrator gave ${whom} ${number}`;
    case 'group':
      return `Group ${from.name} gives ${whom} ${number}`;
    case 'tenant':
      return `${from.name} gives everybody ${number}`;
  }
}

/** The refusal of one more. @param used what they have already */
export function refusalWords(field: QuotaField, allowance: Allowance, used: number): string {
  const has =
    field === 'running' ? `You run ${used} of ${allowance.limit} workspaces` : `You have ${used} of ${allowance.limit} workspaces`;
  const way = field === 'running' ? 'Stop one first' : 'Delete one first';
  return `${has}. ${allowanceWords(field, allowance)}. ${way}, or ask for more`;
}
