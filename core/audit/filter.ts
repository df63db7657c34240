import { attributeNamed, typeOf, VALUE_PATHS, valuesOf, type FilterAttribute, type FilterValue } from './filter-attributes.ts';
import { FilterFaulty, TokenCursor, tokensOf, type Token } from './filter-tokens.ts';
import type { AuditEvent } from './event.ts';

export { FILTER_ATTRIBUTES, type FilterAttribute, type FilterValue } from './filter-attributes.ts';
export { FilterFaulty } from './filter-tokens.ts';

/**
 * Filters over audit events: the grammar of SCIM (RFC 7644 §3.4.2.2), over declared attributes only. Text is compared
 * without regard to case, as SCIM does unless an attribute says otherwise.
 */
export const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Filter =
  | { kind: 'and' | 'or'; parts: Filter[] }
  | { kind: 'not'; part: Filter }
  | { kind: 'compare'; attribute: FilterAttribute; operator: Comparison; value: FilterValue }
  | { kind: 'present'; attribute: FilterAttribute }
  /** one and the same value of a list matches the whole part */
  | { kind: 'some'; list: 'diff'; part: Filter };

const MAX_DEPTH = 20;
const MAX_COMPARISONS = 100;
const TIMES = ['time', 'recordedat', 'seq'];

/** @throws FilterFaulty with the position and a sentence */
export function parseFilter(text: string): Filter {
  const reader = new Reader(tokensOf(text));
  const filter = reader.either(0);
  reader.end();
  return filter;
}

class Reader {
  #comparisons = 0;
  /** the list whose brackets we are in */
  #list: string | null = null;
  readonly #at: TokenCursor;

  constructor(tokens: Token[]) {
    this.#at = new TokenCursor(tokens);
  }

  either = (depth: number): Filter => this.#joined('or', () => this.#joined('and', () => this.#one(depth)));

  end(): void {
    const token = this.#at.peek();
    if (token.kind !== 'end') throw new FilterFaulty(token.position, 'Here “and” or “or” is expected, or the end');
  }

  #joined(kind: 'and' | 'or', read: () => Filter): Filter {
    const first = read();
    const parts = [first];
    while (this.#at.takeWord(kind)) parts.push(read());
    return parts.length === 1 ? first : { kind, parts };
  }

  #one(depth: number): Filter {
    if (depth > MAX_DEPTH) throw new FilterFaulty(this.#at.peek().position, `Parentheses go no deeper than ${MAX_DEPTH}`);
    if (this.#at.takeWord('not')) {
      this.#at.expect('(');
      return { kind: 'not', part: this.#closed(depth, ')') };
    }
    if (this.#at.takeSign('(')) return this.#closed(depth, ')');
    return this.#expression(depth);
  }

  #closed(depth: number, closing: string): Filter {
    const part = this.either(depth + 1);
    this.#at.expect(closing);
    return part;
  }

  #expression(depth: number): Filter {
    const token = this.#at.peek();
    if (token.kind !== 'word') throw new FilterFaulty(token.position, 'Here an attribute is expected, like actor.email');
    this.#at.take();
    if (this.#list === null && VALUE_PATHS.includes(token.text.toLowerCase()) && this.#at.takeSign('[')) {
      this.#list = 'diff';
      const part = this.#closed(depth, ']');
      this.#list = null;
      return { kind: 'some', list: 'diff', part };
    }
    if (++this.#comparisons > MAX_COMPARISONS)
      throw new FilterFaulty(token.position, `A filter has at most ${MAX_COMPARISONS} comparisons`);
    const attribute = this.#attribute(token);
    return this.#at.takeWord('pr') ? { kind: 'present', attribute } : this.#comparison(attribute);
  }

  #attribute({ text, position }: Token): FilterAttribute {
    if (this.#list === null && TIMES.includes(text.toLowerCase()))
      throw new FilterFaulty(position, `${text} can’t be filtered: give since and until beside the filter`);
    const attribute = attributeNamed(this.#list === null ? text : `${this.#list}.${text}`);
    if (attribute === undefined) throw new FilterFaulty(position, 'There is no attribute of this name');
    return attribute;
  }

  #comparison(attribute: FilterAttribute): Filter {
    const token = this.#at.peek();
    const operator = COMPARISONS.find((name) => token.kind === 'word' && name === token.text.toLowerCase());
    if (!operator) throw new FilterFaulty(token.position, `Here an operator is expected: ${COMPARISONS.join(', ')} or pr`);
    this.#at.take();
    const value = this.#at.peek();
    if (value.kind !== 'value')
      throw new FilterFaulty(value.position, 'Here a value is expected: text in double quotes, a number, true, false or null');
    this.#at.take();
    const fault = faultOf(attribute, operator, value.value);
    if (fault !== null) throw new FilterFaulty(value.position, fault);
    return { kind: 'compare', attribute, operator, value: value.value };
  }
}

/** Why that value can't be compared so; null when it can. */
function faultOf(attribute: FilterAttribute, operator: Comparison, value: FilterValue): string | null {
  if (value === null) return operator === 'eq' || operator === 'ne' ? null : 'null goes with eq and ne only';
  const type = typeOf(attribute);
  if (typeof value !== type) return `${attribute} is compared with a ${WORDS[type]}`;
  if (type !== 'string' && ['co', 'sw', 'ew'].includes(operator)) return `${operator} is for text, and ${attribute} is a ${WORDS[type]}`;
  if (type === 'boolean' && operator !== 'eq' && operator !== 'ne') return `${attribute} is true or false: eq and ne only`;
  return null;
}
const WORDS = { string: 'text in double quotes', number: 'number', boolean: 'true or false' } as const;

/** The filter as text that is read as the same filter again. */
export const printFilter = (filter: Filter): string => print(filter, '');

/** @param prefix what attributes go without, being in the brackets of their list */
function print(filter: Filter, prefix: string): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.map((part) => printPart(part, prefix)).join(` ${filter.kind} `);
    case 'not':
      return `not (${print(filter.part, prefix)})`;
    case 'some':
      return `${filter.list}[${print(filter.part, `${filter.list}.`)}]`;
    case 'present':
      return `${filter.attribute.slice(prefix.length)} pr`;
    case 'compare':
      return `${filter.attribute.slice(prefix.length)} ${filter.operator} ${JSON.stringify(filter.value)}`;
  }
}
const printPart = (part: Filter, prefix: string): string =>
  part.kind === 'and' || part.kind === 'or' ? `(${print(part, prefix)})` : print(part, prefix);

/** Whether the event matches, by the plain meaning of the words: what every faster way must agree with. */
export function matchesFilter(filter: Filter, event: AuditEvent): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => matchesFilter(part, event));
    case 'or':
      return filter.parts.some((part) => matchesFilter(part, event));
    case 'not':
      return !matchesFilter(filter.part, event);
    case 'some':
      return event.diff.some((change) => matchesFilter(filter.part, { ...event, diff: [change] }));
    case 'present':
      return valuesOf(filter.attribute, event).some((value) => value !== null);
    case 'compare':
      return compares(valuesOf(filter.attribute, event), filter.operator, filter.value);
  }
}

/** `ne` says that no value is equal; everything else that some value is so. */
function compares(values: FilterValue[], operator: Comparison, wanted: FilterValue): boolean {
  if (operator === 'ne') return !compares(values, 'eq', wanted);
  if (wanted === null) return values.every((value) => value === null);
  const right = folded(wanted);
  return values.some((value) => value !== null && holds(folded(value), operator, right));
}

/** Text as it is compared. */
export const folded = <T extends FilterValue>(value: T): T => (typeof value === 'string' ? (value.toLowerCase() as T) : value);

function holds(left: FilterValue, operator: Exclude<Comparison, 'ne'>, right: FilterValue): boolean {
  switch (operator) {
    case 'eq':
      return left === right;
    case 'co':
      return String(left).includes(String(right));
    case 'sw':
      return String(left).startsWith(String(right));
    case 'ew':
      return String(left).endsWith(String(right));
    case 'gt':
      return before(right, left);
    case 'ge':
      return !before(left, right);
    case 'lt':
      return before(left, right);
    case 'le':
      return !before(right, left);
  }
}
const before = (left: FilterValue, right: FilterValue): boolean => left !== null && right !== null && left < right;
