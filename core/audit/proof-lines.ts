import { z } from 'zod';
import { fromBase64, toBase64 } from './base64.ts';
import type { Frontier } from './merkle.ts';

/**
 * The lines (NDJSON) of an export that can be verified: events as the archive has them, and what vouches for them.
 *
 *     {"salt":"<32 hex digits>","event":{…}}                        an event, to the byte as it was hashed
 *     {"seq":7,"leafHash":"<base64>","erased":"<time>"}             an event whose contents were erased
 *     {"before":{"size":1000,"hashes":["<base64>",…]}}              the tree of all events before the first one here
 *     {"leaves":{"first":1001,"hashes":"<base64>"}}                 leaf hashes of the events that follow, one after the other
 *     {"checkpoint":"<signed note>"}                                stands before the last event that it covers has come
 *     {"proof":{"seq":7,"size":2000,"hashes":["<base64>",…]}}       inclusion of the event on the line above
 */
export type ProofLine =
  | { kind: 'event'; seq: number; salt: Uint8Array; body: Uint8Array }
  | { kind: 'erased'; seq: number; leaf: Uint8Array }
  | { kind: 'before'; frontier: Frontier }
  | { kind: 'leaves'; first: number; hashes: Uint8Array }
  | { kind: 'checkpoint'; note: string }
  | { kind: 'proof'; seq: number; size: number; hashes: Uint8Array[] }
  | { kind: 'faulty'; why: string };

/** An event's line without its end, as the archive keeps it. */
export const archivedEvent = (saltInHex: string, body: string): string => `{"salt":"${saltInHex}","event":${body}}`;
export const eventLine = (saltInHex: string, body: string): string => `${archivedEvent(saltInHex, body)}\n`;
export const erasedLine = (seq: number, leaf: Uint8Array, erasedAt: string): string =>
  line({ seq, leafHash: toBase64(leaf), erased: erasedAt });
export const beforeLine = ({ size, hashes }: Frontier): string => line({ before: { size, hashes: hashes.map(toBase64) } });
export const leavesLine = (first: number, hashes: Uint8Array): string => line({ leaves: { first, hashes: toBase64(hashes) } });
export const checkpointLine = (note: string): string => line({ checkpoint: note });
export const proofLine = (seq: number, size: number, hashes: readonly Uint8Array[]): string =>
  line({ proof: { seq, size, hashes: hashes.map(toBase64) } });

const line = (value: object): string => `${JSON.stringify(value)}\n`;

const number = z.number().int().min(0);
const bytes = z.string().transform((text, context) => {
  const value = fromBase64(text);
  if (value && value.length % 32 === 0) return value;
  context.addIssue('must be hashes in base64');
  return z.NEVER;
});
const hash = bytes.refine((value) => value.length === 32, 'must be one hash');
const others = z.union([
  z.strictObject({ seq: number.min(1), leafHash: hash, erased: z.union([z.literal(true), z.string()]) }),
  z.strictObject({ before: z.strictObject({ size: number, hashes: z.array(hash) }) }),
  z.strictObject({ leaves: z.strictObject({ first: number.min(1), hashes: bytes }) }),
  z.strictObject({ checkpoint: z.string() }),
  z.strictObject({ proof: z.strictObject({ seq: number.min(1), size: number, hashes: z.array(hash) }) }),
]);

const EVENT_START = /^\{"salt":"([0-9a-f]{32})","event":(?=\{)/;
const EVENT_START_LENGTH = '{"salt":"","event":'.length + 32;
// A lenient decoder would read altered bytes as the same text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads one line, without its end. What is no such line is `faulty`, and why. */
export function parseProofLine(bytes: Uint8Array): ProofLine {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { kind: 'faulty', why: 'it is not UTF-8' };
  }
  const [start, salt] = EVENT_START.exec(text) ?? [];
  if (start === undefined || salt === undefined) return parseOther(text);
  if (!text.endsWith('}')) return { kind: 'faulty', why: 'it ends too early' };
  const seq = seqOf(text.slice(EVENT_START_LENGTH, -1));
  if (seq === null) return { kind: 'faulty', why: 'it holds no event with a number' };
  return { kind: 'event', seq, salt: fromHex(salt), body: bytes.subarray(EVENT_START_LENGTH, -1) };
}

function parseOther(text: string): ProofLine {
  const parsed = others.safeParse(parseJson(text));
  if (!parsed.success) return { kind: 'faulty', why: text === '' ? 'it is empty' : 'it is no line of an export' };
  const value = parsed.data;
  if ('leafHash' in value) return { kind: 'erased', seq: value.seq, leaf: value.leafHash };
  if ('before' in value) return { kind: 'before', frontier: value.before };
  if ('leaves' in value) return { kind: 'leaves', ...value.leaves };
  if ('proof' in value) return { kind: 'proof', ...value.proof };
  return { kind: 'checkpoint', note: value.checkpoint };
}

function seqOf(body: string): number | null {
  const event = parseJson(body);
  const seq: unknown = typeof event === 'object' && event !== null && 'seq' in event ? event.seq : null;
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 1 ? seq : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const fromHex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
