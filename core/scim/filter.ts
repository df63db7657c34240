import { FilterFaulty, TokenCursor, tokensOf, type Token } from '../audit/filter-tokens.ts';
import { placeOf, subOf, type Place } from './attribute-path.ts';
import type { Attribute, ResourceType } from './schema.ts';
import { invalidFilter, type ScimError } from './scim-error.ts';

/** The grammar of RFC 7644 §3.4.2.2 over declared attributes. */
export const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Operator = (typeof OPERATORS)[number];
export type Operand = string | number | boolean | null;

/** Within `some`, `place.attribute` is the list and `place.sub` what is compared of one and the same entry. */
export type Filter =
  | { kind: 'and' | 'or'; parts: Filter[] }
  | { kind: 'not'; part: Filter }
  | { kind: 'compare'; place: Place; operator: Operator; value: Operand }
  | { kind: 'present'; place: Place }
  | { kind: 'some'; place: Place; part: Filter };

/** D1 takes expressions 100 deep, and each comparison becomes several. */
const MAX_DEPTH = 8;
const MAX_COMPARISONS = 40;

/** @throws ScimError `invalidFilter` with the position */
export const parseFilter = (type: ResourceType, text: string): Filter => guarded(() => new Reader(type, text, null).whole());

/** What stands in the brackets after a list: `type eq "work"`. @throws ScimError `invalidFilter` */
export const parseEntryFilter = (type: ResourceType, list: Place, text: string): Filter =>
  guarded(() => new Reader(type, text, list).whole());

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FilterFaulty) throw faulty(error);
    throw error;
  }
}
const faulty = ({ position, message }: FilterFaulty): ScimError => invalidFilter(`${message} (at character ${position + 1})`);

class Reader {
  #comparisons = 0;
  #list: Place | null;
  readonly #type: ResourceType;
  readonly #at: TokenCursor;

  constructor(type: ResourceType, text: string, list: Place | null) {
    this.#type = type;
    this.#at = new TokenCursor(tokensOf(text));
    this.#list = list;
  }

  whole(): Filter {
    const filter = this.#either(0);
    const token = this.#at.peek();
    if (token.kind !== 'end') throw new FilterFaulty(token.position, 'Here “and” or “or” is expected, or the end');
    return filter;
  }

  #either = (depth: number): Filter => this.#joined('or', () => this.#joined('and', () => this.#one(depth)));

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
    return this.#at.takeSign('(') ? this.#closed(depth, ')') : this.#expression(depth);
  }

  #closed(depth: number, closing: string): Filter {
    const part = this.#either(depth + 1);
    this.#at.expect(closing);
    return part;
  }

  #expression(depth: number): Filter {
    const token = this.#at.take();
    if (token.kind !== 'word') throw new FilterFaulty(token.position, 'Here an attribute is expected, like userName');
    const place = this.#place(token);
    if (this.#list === null && place.sub === null && place.attribute.multiValued && this.#at.takeSign('['))
      return this.#bracketed(depth, place);
    const compared = this.#compared(place);
    return this.#list === null && place.attribute.multiValued ? { kind: 'some', place: { ...place, sub: null }, part: compared } : compared;
  }

  /** `emails[type eq "work"]`, also with `.value eq "…"` after it, as Entra writes it: of the same entry. */
  #bracketed(depth: number, place: Place): Filter {
    this.#list = place;
    const part = this.#closed(depth, ']');
    const after = this.#at.peek();
    if (after.kind === 'word' && after.text.startsWith('.')) {
      this.#at.take();
      const sub = this.#place({ ...after, text: after.text.slice(1) });
      const parts = [part, this.#compared(sub)];
      this.#list = null;
      return { kind: 'some', place, part: { kind: 'and', parts } };
    }
    this.#list = null;
    return { kind: 'some', place, part };
  }

  #place({ text, position }: Token): Place {
    const list = this.#list;
    const sub = list === null ? null : subOf(list.attribute, text);
    const place = list === null ? placeOf(this.#type, text) : sub && { ...list, sub };
    if (!place) throw new FilterFaulty(position, `There is no attribute ${text.slice(0, 100)}`);
    return place;
  }

  /** @param place what stands left of the operator */
  #compared(place: Place): Filter {
    const token = this.#at.take();
    if (++this.#comparisons > MAX_COMPARISONS)
      throw new FilterFaulty(token.position, `A filter has at most ${MAX_COMPARISONS} comparisons`);
    const word = token.kind === 'word' ? token.text.toLowerCase() : '';
    if (word === 'pr') return { kind: 'present', place };
    const operator = OPERATORS.find((name) => name === word);
    if (!operator) throw new FilterFaulty(token.position, `Here an operator is expected: ${OPERATORS.join(', ')} or pr`);
    const whole = comparable(place);
    const attribute = whole.sub ?? whole.attribute;
    const value = this.#value(attribute);
    if (attribute.type === 'complex') throw new FilterFaulty(token.position, `${attribute.name} has parts: compare one of them`);
    refuseMeaningless(attribute, operator, value, token.position);
    return { kind: 'compare', place: whole, operator, value };
  }

  #value(attribute: Attribute): Operand {
    const token = this.#at.take();
    const word = token.kind === 'word' ? token.text.toLowerCase() : '';
    const read = token.kind === 'value' ? token.value : word === 'true' ? true : word === 'false' ? false : undefined;
    if (read === undefined) throw new FilterFaulty(token.position, 'Here a value is expected: text in double quotes, true, false or null');
    return operandFor(attribute, read, token.position);
  }
}

/** A list, or what has a value, compared as a whole is compared by its value. */
function comparable(place: Place): Place {
  if (place.sub !== null || place.attribute.type !== 'complex') return place;
  const value = subOf(place.attribute, 'value');
  return value === null ? place : { ...place, sub: value };
}

/** Directories write booleans as text, too, and times in any zone. */
function operandFor(attribute: Attribute, value: Operand, position: number): Operand {
  if (value === null) return null;
  if (attribute.type === 'boolean') {
    const read = typeof value === 'string' ? { true: true, false: false }[value.toLowerCase()] : value;
    if (typeof read !== 'boolean') throw new FilterFaulty(position, `${attribute.name} is true or false`);
    return read;
  }
  if (typeof value === 'boolean') throw new FilterFaulty(position, `${attribute.name} is compared with text in double quotes`);
  if (String(value).includes('\0')) throw new FilterFaulty(position, 'No text has the character NUL');
  if (attribute.type !== 'dateTime') return String(value);
  const time = Date.parse(String(value));
  if (Number.isNaN(time)) throw new FilterFaulty(position, `${attribute.name} is compared with a time like 2026-01-31T12:00:00Z`);
  return new Date(time).toISOString();
}

function refuseMeaningless(attribute: Attribute, operator: Operator, value: Operand, position: number): void {
  if (operator === 'eq' || operator === 'ne') return;
  if (value === null) throw new FilterFaulty(position, 'null goes with eq and ne only');
  if (attribute.type === 'boolean') throw new FilterFaulty(position, `${attribute.name} is true or false: eq and ne only`);
}
