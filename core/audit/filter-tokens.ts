import type { FilterValue } from './filter-attributes.ts';

/** A filter that can't be read: where, counted from 0 in UTF-16 units, and why, in words for people. */
export class FilterFaulty extends Error {
  readonly position: number;

  constructor(position: number, message: string) {
    super(message);
    this.name = 'FilterFaulty';
    this.position = position;
  }
}

export type Token = { text: string; position: number } & ({ kind: 'word' | 'sign' | 'end' } | { kind: 'value'; value: FilterValue });

const MAX_LENGTH = 2_000;
const SPACE = /[ \t\r\n]+/y;
const SIGN = /[()[\]]/y;
const TEXT = /"(?:[^"\\]|\\.)*"/sy;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
/** also a part after brackets: `emails[type eq "work"].value` (SCIM) */
const WORD = /\.?[A-Za-z][\w.$:-]*/y;
const CONSTANTS = new Map<string, FilterValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** @throws FilterFaulty */
export function tokensOf(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw new FilterFaulty(MAX_LENGTH, `A filter has at most ${MAX_LENGTH} characters`);
  const tokens: Token[] = [];
  for (let position = 0; position < text.length;) {
    const space = matchAt(SPACE, text, position);
    position += space.length;
    if (position === text.length) break;
    const token = tokenAt(text, position);
    tokens.push(token);
    position += token.text.length;
  }
  return [...tokens, { kind: 'end', text: '', position: text.length }];
}

/** Goes through the tokens of a filter, the last of which is its end. */
export class TokenCursor {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', position: 0 };
  }

  take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  takeSign(text: string): boolean {
    const { kind, text: found } = this.peek();
    const taken = kind === 'sign' && found === text;
    if (taken) this.#next++;
    return taken;
  }

  /** Without regard to case. */
  takeWord(word: string): boolean {
    const { kind, text } = this.peek();
    const taken = kind === 'word' && text.toLowerCase() === word;
    if (taken) this.#next++;
    return taken;
  }

  /** @throws FilterFaulty */
  expect(text: string): void {
    if (!this.takeSign(text)) throw new FilterFaulty(this.peek().position, `Here ${text} is expected`);
  }
}

function tokenAt(text: string, position: number): Token {
  const sign = matchAt(SIGN, text, position);
  if (sign !== '') return { kind: 'sign', text: sign, position };
  const quoted = matchAt(TEXT, text, position);
  if (quoted !== '') return { kind: 'value', text: quoted, position, value: unquoted(quoted, position) };
  const number = matchAt(NUMBER, text, position);
  if (number !== '') return { kind: 'value', text: number, position, value: finite(number, position) };
  const word = matchAt(WORD, text, position);
  if (word === '')
    throw new FilterFaulty(position, text[position] === '"' ? 'This text has no closing quote' : 'This character is not expected here');
  const value = CONSTANTS.get(word);
  return value === undefined ? { kind: 'word', text: word, position } : { kind: 'value', text: word, position, value };
}

function matchAt(pattern: RegExp, text: string, position: number): string {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0] ?? '';
}

/** Text is quoted as in JSON. */
function unquoted(quoted: string, position: number): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new FilterFaulty(position, 'This text has a wrong escape or a control character');
  }
}

function finite(text: string, position: number): number {
  // -0 is 0.
  const value = Number(text) + 0;
  if (!Number.isFinite(value)) throw new FilterFaulty(position, 'This number is too large');
  return value;
}
