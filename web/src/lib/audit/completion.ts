import { AUDIT_ACTIONS, ACTOR_TYPES, OUTCOMES, RESOURCE_TYPES, type AuditAction } from '@gatehouse/core/audit/event.ts';
import { attributeNamed, FILTER_ATTRIBUTES, typeOf, type FilterAttribute } from '@gatehouse/core/audit/filter-attributes.ts';
import { tokensOf, type Token } from '@gatehouse/core/audit/filter-tokens.ts';
import { COMPARISONS, type Comparison } from '@gatehouse/core/audit/filter.ts';
import { actionWords, OUTCOME_SHOWN } from './words.ts';

export interface Option {
  text: string;
  /** for people */
  label: string;
}
export interface Completion {
  /** what the chosen option replaces */
  from: number;
  to: number;
  options: Option[];
}
/** Values that this organisation's events have, by attribute. */
export type KnownValues = Partial<Record<FilterAttribute, readonly Option[]>>;

const ATTRIBUTE_WORDS: Record<FilterAttribute, string> = {
  action: 'what was done',
  outcome: 'how it went',
  'actor.name': 'who did it',
  'actor.email': 'their address',
  'actor.id': 'their id',
  'actor.type': 'person, service account, runner …',
  'actor.via': 'how they proved who they are',
  'resource.name': 'what it was done to',
  'resource.type': 'its kind',
  'resource.id': 'its id',
  'origin.ip': 'network address',
  'origin.country': 'country, two letters',
  'origin.city': 'city',
  'origin.asn': 'network provider',
  'origin.browser': 'browser',
  'origin.os': 'system',
  'origin.device': 'device',
  reason: 'why it failed or was refused',
  status: 'status code of the answer',
  requestId: 'all of one request',
  sessionId: 'all of one session',
  workspaceId: 'all of one workspace',
  grantId: 'by which grant',
  'details.template': 'template of a new workspace',
  'diff.path': 'which field changed',
  'diff.old': 'its value before',
  'diff.new': 'its value after',
  'diff.secret': 'whether the field is secret',
  id: 'the event itself',
};
const OPERATOR_WORDS: Record<Comparison | 'pr', string> = {
  eq: 'is',
  ne: 'is not',
  co: 'contains',
  sw: 'begins with',
  ew: 'ends with',
  gt: 'is more than',
  ge: 'is at least',
  lt: 'is less than',
  le: 'is at most',
  pr: 'is there at all',
};
const JOINING: readonly Option[] = [
  { text: 'and', label: 'both must hold' },
  { text: 'or', label: 'one of them must hold' },
];
const BEGINNING: readonly Option[] = [
  { text: '(', label: 'a group' },
  { text: 'not (', label: 'the opposite of a group' },
];
const MOST = 12;

const quoted = (value: string, label: string): Option => ({ text: JSON.stringify(value), label });
const VALUES: KnownValues = {
  action: (Object.keys(AUDIT_ACTIONS) as AuditAction[]).map((action) => quoted(action, actionWords(action))),
  outcome: OUTCOMES.map((outcome) => quoted(outcome, OUTCOME_SHOWN[outcome].word.toLowerCase())),
  'resource.type': RESOURCE_TYPES.map((type) => quoted(type, '')),
  'actor.type': ACTOR_TYPES.map((type) => quoted(type, '')),
};
const BOOLEANS: readonly Option[] = ['true', 'false'].map((text) => ({ text, label: '' }));

/** What may stand where the caret is, by what stands before it. */
export function completionsAt(text: string, caret: number, known: KnownValues = {}): Completion {
  const head = text.slice(0, caret);
  const from = beginOf(head);
  const word = head.slice(from).toLowerCase();
  const rest = /^[\w.$:-]*"?/.exec(text.slice(caret))?.[0] ?? '';
  const offered = offeredAfter(readable(head.slice(0, from)), known);
  const bare = word.replaceAll('"', '');
  const ranked = offered
    .map((option) => ({ option, rank: rankOf(option, bare) }))
    .filter(({ rank }) => rank < 3)
    .sort((a, b) => a.rank - b.rank);
  return { from, to: caret + (word === '' ? 0 : rest.length), options: ranked.slice(0, MOST).map(({ option }) => option) };
}

/** The text with an option put in, and where the caret stands then. */
export function completed(text: string, { from, to }: Completion, option: Option): { text: string; caret: number } {
  const after = text.slice(to);
  const put = `${option.text}${option.text.endsWith('(') || after.startsWith(' ') ? '' : ' '}`;
  return { text: text.slice(0, from) + put + after, caret: from + put.length + (after.startsWith(' ') ? 1 : 0) };
}

/** Those that begin with it first, then those in which it is, then those whose words have it. */
function rankOf({ text, label }: Option, word: string): number {
  const bare = text.toLowerCase().replaceAll('"', '');
  if (bare.startsWith(word)) return 0;
  if (bare.includes(word)) return 1;
  return label.toLowerCase().includes(word) ? 2 : 3;
}

/** Where the word begins that is being typed: a quote that is open, or the last run of letters. */
function beginOf(head: string): number {
  const closed = head.replace(/"(?:[^"\\]|\\.)*"/gs, (all) => ' '.repeat(all.length));
  const open = closed.indexOf('"');
  return open >= 0 ? open : head.length - (/[\w.$:-]*$/.exec(closed)?.[0].length ?? 0);
}

function readable(head: string): Token[] {
  try {
    return tokensOf(head).slice(0, -1);
  } catch {
    return [];
  }
}

function offeredAfter(tokens: Token[], known: KnownValues): readonly Option[] {
  const [before, last] = [tokens.at(-2), tokens.at(-1)];
  if (last === undefined || last.text === '(' || (last.kind === 'word' && /^(?:and|or)$/i.test(last.text)))
    return [...attributes(''), ...BEGINNING];
  if (last.text === '[') return attributes('diff.');
  const operator = COMPARISONS.find((name) => name === last.text.toLowerCase());
  const compared = before && attributeIn(tokens.slice(0, -1));
  if (last.kind === 'word' && operator !== undefined && compared) return valuesFor(compared, known);
  const attribute = last.kind === 'word' ? attributeIn(tokens) : undefined;
  return attribute === undefined ? JOINING : operatorsFor(attribute);
}

const attributes = (prefix: string): Option[] =>
  (Object.keys(FILTER_ATTRIBUTES) as FilterAttribute[])
    .filter((name) => name.startsWith(prefix))
    .sort((a, b) => names.indexOf(a) - names.indexOf(b))
    .map((name) => ({ text: name.slice(prefix.length), label: ATTRIBUTE_WORDS[name] }));
/** What is asked for most stands first. */
const names = Object.keys(ATTRIBUTE_WORDS) as FilterAttribute[];

/** The attribute that the last token names, which may stand in the brackets of a list. */
function attributeIn(tokens: Token[]): FilterAttribute | undefined {
  const last = tokens.at(-1)?.text ?? '';
  const brackets = tokens.findLast(({ text }) => text === '[' || text === ']')?.text;
  return attributeNamed(brackets === '[' ? `diff.${last}` : last);
}

function valuesFor(attribute: FilterAttribute, known: KnownValues): readonly Option[] {
  if (typeOf(attribute) === 'boolean') return BOOLEANS;
  return VALUES[attribute] ?? known[attribute] ?? [];
}

function operatorsFor(attribute: FilterAttribute): Option[] {
  const type = typeOf(attribute);
  const fitting = COMPARISONS.filter(
    (name) => type === 'string' || name === 'eq' || name === 'ne' || (type === 'number' && /^[gl]/.test(name)),
  );
  return [...fitting, 'pr' as const].map((name) => ({ text: name, label: OPERATOR_WORDS[name] }));
}
