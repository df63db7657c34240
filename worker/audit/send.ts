/** What became of a batch at its destination. Counts and indexes are those of the batch. */
export type Outcome = { status: number | null; message: string } & (
  | { kind: 'delivered'; count: number }
  /** too much at once: try fewer */
  | { kind: 'split' }
  /** everything before `index` is there; that one never will be */
  | { kind: 'refused'; index: number }
  | { kind: 'retry'; afterSeconds: number | null }
  /** somebody has to change something: a token, an address */
  | { kind: 'hold' }
  /** the destination asks never to be called again */
  | { kind: 'gone' }
);

export interface OutgoingEvent {
  seq: number;
  id: string;
  time: string;
  action: string;
  outcome: string;
  /** the event's JSON */
  body: string;
}

/** Sends the first events of a batch, as many as the destination takes at once. */
export interface Sender {
  /** events that one batch may have */
  limit: number;
  send(events: readonly OutgoingEvent[]): Promise<Outcome>;
}

export interface Answer {
  status: number;
  /** the first part of the body */
  text: string;
  /** seconds, when the answer names them */
  retryAfter: number | null;
}

export const TIMEOUT_MS = 15_000;
const MAX_ANSWER = 16 * 1024;
const MAX_RETRY_AFTER = 3_600;

/**
 * Posts to an address that passed `refusalOf`. Redirects aren't followed: they could lead where the
 * address itself may not.
 * @throws TypeError, DOMException when there is no answer in time
 */
export async function post(url: string, headers: Record<string, string>, body: string, timeoutMs = TIMEOUT_MS): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return {
    status: response.status,
    text: await readBounded(response),
    retryAfter: Number.isFinite(retryAfter) ? Math.min(Math.max(retryAfter, 1), MAX_RETRY_AFTER) : null,
  };
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
