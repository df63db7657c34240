import { z } from 'zod';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { sentence } from '@gatehouse/core/audit/event.ts';
import { jsonOf, judgeStatus, type Answer, type Outcome, type OutgoingEvent, type Target } from './send.ts';

type DatadogConfig = Extract<DestinationConfig, { type: 'datadog' }>;

/** Datadog cuts a longer log, and says yes to it. */
const MAX_LOG_BYTES = 1_000_000;
/** It takes times up to 18 hours back; a margin, since sending takes time, too. */
const OLDEST_MS = 17.5 * 60 * 60_000;

/** Datadog's log intake, version 2. */
export function datadogTarget(config: DatadogConfig, apiKey: string, host: string, now: () => Date): Target {
  const url = new URL(config.url);
  if (url.pathname === '/') url.pathname = '/api/v2/logs';
  const isOld = ({ event }: OutgoingEvent) => now().getTime() - Date.parse(event.time) > OLDEST_MS;
  return {
    limits: { events: 1_000, bytes: 4_900_000 },
    encode: (event) => log(event, config, host, isOld(event)),
    frame: { open: '[', between: ',', close: ']' },
    fault: (_, encoded) =>
      Buffer.byteLength(encoded) > MAX_LOG_BYTES ? `It is larger than the ${MAX_LOG_BYTES} bytes that Datadog keeps of a log` : null,
    request: async (body) => ({
      method: 'POST',
      url: url.href,
      headers: { 'DD-API-KEY': apiKey, 'Content-Type': 'application/json' },
      body,
    }),
    judge: (answer, events) => judge(answer, events.length, events.filter(isOld).length),
  };
}

function log({ event, format, body }: OutgoingEvent, { service, tags }: DatadogConfig, host: string, isOld: boolean): string {
  const ddtags = [...(tags === '' ? [] : [tags]), `format:${format}`, ...(isOld ? ['backfilled:true'] : [])].join(',');
  const facts = JSON.stringify({
    ddsource: 'gatehouse',
    service,
    hostname: host,
    ddtags,
    message: `${event.actor.name} ${sentence(event)}`,
    status: event.outcome === 'success' ? 'info' : 'warn',
    // Dated by Datadog itself where it would not take the true time; that stands in the event.
    ...(isOld ? {} : { timestamp: event.time }),
    event_id: event.id,
    seq: event.seq,
  });
  return `${facts.slice(0, -1)},"gatehouse":${body}}`;
}

const refusal = z.object({ errors: z.array(z.object({ detail: z.string() })).min(1) });

function judge(answer: Answer, count: number, old: number): Outcome {
  const { status } = answer;
  const message = `Datadog answered ${status}`;
  if (status === 202) {
    const note = `${old} events are older than 18 hours: Datadog dates them by their arrival, and they are tagged backfilled:true`;
    return { kind: 'delivered', count, status, message, ...(old > 0 ? { note } : {}) };
  }
  // Only 202 is its yes: another 2xx comes from something that stands before it.
  if (status >= 200 && status < 300) return { kind: 'hold', status, message: `${message}, which is not its yes` };
  return judgeStatus('Datadog', answer, refusal.safeParse(jsonOf(answer)).data?.errors[0]?.detail ?? null);
}
