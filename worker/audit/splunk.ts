import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { post, type Answer, type Outcome, type OutgoingEvent, type Sender } from './send.ts';

const LIMIT = 500;
/** Splunk Cloud takes about 1 MB a request. */
const MAX_CHARACTERS = 900_000;
export const SOURCETYPE = 'gatehouse:audit';

type SplunkConfig = Extract<DestinationConfig, { type: 'splunk-hec' }>;

/** Splunk's HTTP Event Collector. @param host what Splunk shows as the events' host */
export function splunkSender(config: SplunkConfig, token: string, destinationId: string, host: string): Sender {
  const headers = {
    Authorization: `Splunk ${token}`,
    'Content-Type': 'application/json',
    // Tokens with indexer acknowledgement refuse requests without a channel; the others ignore it.
    'X-Splunk-Request-Channel': channelOf(destinationId),
  };
  return {
    limit: LIMIT,
    async send(events) {
      const { body, count } = pack(events, config, host);
      return judge(await post(collectorOf(config.url), headers, body), count);
    },
  };
}

/** The address of the collector; a bare host gets the usual path. */
function collectorOf(address: string): string {
  const url = new URL(address);
  if (url.pathname === '/') url.pathname = '/services/collector/event';
  return url.href;
}

/** Any GUID will do, if it stays the same. */
function channelOf(destinationId: string): string {
  const digits = createHash('sha256').update(destinationId).digest('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20, 32)].join('-');
}

function pack(events: readonly OutgoingEvent[], config: SplunkConfig, host: string): { body: string; count: number } {
  let body = '';
  let count = 0;
  for (const event of events) {
    const next = envelope(event, config, host);
    if (count > 0 && body.length + next.length > MAX_CHARACTERS) break;
    body += next;
    count++;
  }
  return { body, count };
}

function envelope({ body, ...event }: OutgoingEvent, config: SplunkConfig, host: string): string {
  const facts = JSON.stringify({
    time: Date.parse(event.time) / 1000,
    host,
    source: config.source,
    sourcetype: SOURCETYPE,
    ...(config.index === '' ? {} : { index: config.index }),
    fields: { event_id: event.id, seq: String(event.seq), action: event.action, outcome: event.outcome },
  });
  return `${facts.slice(0, -1)},"event":${body}}`;
}

const reply = z.object({ text: z.string(), code: z.number().int(), 'invalid-event-number': z.number().int().min(0).optional() });

/** Codes of 400 that speak of the token's set-up, not of one event: index, channel, acknowledgement. */
const SETUP_CODES = [7, 10, 11, 14];

function judge(answer: Answer, count: number): Outcome {
  const { status } = answer;
  const said = parseReply(answer.text);
  const message = said ? `Splunk answered ${status}: ${said.text} (code ${said.code})` : `Splunk answered ${status}`;
  // A 200 without Splunk's own words comes from something that stands before it.
  if (status === 200 && said?.code === 0) return { kind: 'delivered', count, status, message };
  if (status === 413) return { kind: 'split', status, message };
  if (status === 400 && said && !SETUP_CODES.includes(said.code)) return judgeData(said['invalid-event-number'], count, status, message);
  if (status === 408 || status === 429 || status >= 500) return { kind: 'retry', status, message, afterSeconds: answer.retryAfter };
  return { kind: 'hold', status, message };
}

/** Splunk has indexed what stood before the event it names. Without a name the culprit is found by halving. */
function judgeData(named: number | undefined, count: number, status: number, message: string): Outcome {
  if (named !== undefined && named < count) return { kind: 'refused', index: named, status, message };
  return { kind: 'split', status, message };
}

function parseReply(text: string): z.infer<typeof reply> | null {
  try {
    return reply.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
