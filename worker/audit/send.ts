import type { AuditFormat } from '@gatehouse/core/audit/formats.ts';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';

/** What became of a batch at its destination. Counts and indexes are those of the batch. */
export type Outcome = { status: number | null; message: string } & (
  | { kind: 'delivered'; count: number; /** what people should know although it worked */ note?: string }
  /** too much at once: try fewer than the `count` that were sent */
  | { kind: 'split'; count?: number }
  /** everything before `index` is there; that one never will be */
  | { kind: 'refused'; index: number }
  | { kind: 'retry'; afterSeconds: number | null }
  /** somebody has to change something: a token, an address */
  | { kind: 'hold' }
  /** the destination asks never to be called again */
  | { kind: 'gone' }
);

export interface OutgoingEvent {
  event: AuditEvent;
  format: AuditFormat;
  /** the event's JSON in that format; native it is what was hashed, to the byte */
  body: string;
  /** why it has no form to be sent in */
  spoilt?: string;
}

/** Sends the first events of a batch, as many as the destination takes at once. */
export interface Sender {
  /** events that one batch may have */
  limit: number;
  send(events: readonly OutgoingEvent[]): Promise<Outcome>;
}

export interface OutgoingRequest {
  method: 'POST' | 'PUT';
  url: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export interface Answer {
  status: number;
  /** the first part of the body */
  text: string;
  /** seconds, when the answer names them */
  retryAfter: number | null;
}

/** Asks an address that passed `refusalOf`, in bounded time. @throws when there is no answer in time */
export type Ask = (request: OutgoingRequest) => Promise<Answer>;

/** All in which one kind of destination differs from another. */
export interface Target {
  /** what one request takes; bytes are those of the body before it is packed */
  limits: { events: number; bytes: number };
  /** one event as it stands in the body */
  encode(event: OutgoingEvent): string;
  /** what stands around and between the events */
  frame: { open: string; between: string; close: string };
  /** why the target would spoil this event although it said yes; null when it wouldn't */
  fault?(event: OutgoingEvent, encoded: string): string | null;
  /** address, headers and packing of a body. An outcome when it does not come to a request. */
  request(body: string, events: readonly OutgoingEvent[], ask: Ask): Promise<OutgoingRequest | Outcome>;
  judge(answer: Answer, events: readonly OutgoingEvent[]): Outcome;
  /** whether to ask once more, now that what the answer complains of is put right */
  putRight?(answer: Answer): Promise<boolean>;
}

export const TIMEOUT_MS = 15_000;
const MAX_ANSWER = 64 * 1024;
const MAX_RETRY_AFTER = 3_600;

/**
 * One exchange. Redirects aren't followed: they could lead where the address itself may not.
 * @throws TypeError, DOMException when there is no answer in time
 */
export async function ask(
  { url, ...request }: OutgoingRequest,
  { now, signal, timeoutMs = TIMEOUT_MS }: { now: Date; signal?: AbortSignal; timeoutMs?: number },
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, {
    ...request,
    redirect: 'manual',
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  return {
    status: response.status,
    text: await readBounded(response),
    retryAfter: secondsOf(response.headers.get('Retry-After'), now),
  };
}

/** Seconds, or the time at which to try again (RFC 9110 §10.2.3). */
function secondsOf(retryAfter: string | null, now: Date): number | null {
  if (retryAfter === null || retryAfter.trim() === '') return null;
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - now.getTime()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_AFTER) : null;
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels what is still to come.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_ANSWER) break;
  }
  return new Blob(chunks).text();
}

/** What a failure without an answer means. */
export function unreachable(error: unknown): Outcome {
  const late = error instanceof Error && error.name === 'TimeoutError';
  const message = late ? `No answer within ${TIMEOUT_MS / 1000} seconds` : 'The destination can’t be reached';
  return { kind: 'retry', status: null, message, afterSeconds: null };
}

/** What most targets mean by a status that isn't their yes. `said` are the answer's own words, if any. */
export function judgeStatus(name: string, { status, retryAfter }: Answer, said: string | null = null): Outcome {
  const redirected = status >= 300 && status < 400 ? ', and redirects are not followed' : '';
  const message = `${name} answered ${status}${said === null ? '' : `: ${said.slice(0, 200)}`}${redirected}`;
  if (status === 413) return { kind: 'split', status, message };
  // Something in it is wrong: halving finds the event.
  if (status === 400 || status === 422) return { kind: 'split', status, message };
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return { kind: 'retry', status, message, afterSeconds: retryAfter };
  return { kind: 'hold', status, message };
}

/** The JSON of an answer; null when it is none, or was cut. */
export function jsonOf({ text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
