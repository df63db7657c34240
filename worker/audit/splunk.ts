import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { AuditFormat } from '@gatehouse/core/audit/formats.ts';
import { jsonOf, judgeStatus, type Answer, type Outcome, type OutgoingEvent, type Target } from './send.ts';

export const SOURCETYPES: Record<AuditFormat, string> = { native: 'gatehouse:audit', ocsf: 'gatehouse:ocsf', ecs: 'gatehouse:ecs' };

type SplunkConfig = Extract<DestinationConfig, { type: 'splunk-hec' }>;

/** Splunk's HTTP Event Collector. @param host what Splunk shows as the events' host */
export function splunkTarget(config: SplunkConfig, token: string, destinationId: string, host: string): Target {
  const headers = {
    Authorization: `Splunk ${token}`,
    'Content-Type': 'application/json',
    // Tokens with indexer acknowledgement refuse requests without a channel; the others ignore it.
    'X-Splunk-Request-Channel': channelOf(destinationId),
  };
  return {
    // Splunk Cloud takes about 1 MB a request.
    limits: { events: 500, bytes: 900_000 },
    encode: (event) => envelope(event, config, host),
    frame: { open: '', between: '', close: '' },
    request: async (body) => ({ method: 'POST', url: collectorOf(config.url), headers, body }),
    judge: (answer, events) => judge(answer, events.length),
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

function envelope({ event, format, body }: OutgoingEvent, config: SplunkConfig, host: string): string {
  const facts = JSON.stringify({
    time: Date.parse(event.time) / 1000,
    host,
    source: config.source,
    sourcetype: SOURCETYPES[format],
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
  const said = reply.safeParse(jsonOf(answer)).data;
  const words = said ? `${said.text} (code ${said.code})` : null;
  const message = `Splunk answered ${status}${words === null ? '' : `: ${words}`}`;
  if (status === 200 && said?.code === 0) return { kind: 'delivered', count, status, message };
  // A 200 without Splunk's own words comes from something that stands before it.
  if (status === 200 || (status === 400 && (!said || SETUP_CODES.includes(said.code)))) return { kind: 'hold', status, message };
  if (status === 400) return judgeData(said?.['invalid-event-number'], count, status, message);
  return judgeStatus('Splunk', answer, words);
}

/** Splunk has indexed what stood before the event it names. Without a name the culprit is found by halving. */
function judgeData(named: number | undefined, count: number, status: number, message: string): Outcome {
  if (named !== undefined && named < count) return { kind: 'refused', index: named, status, message };
  return { kind: 'split', status, message };
}
