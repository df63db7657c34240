import { z } from 'zod';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { jsonOf, judgeStatus, type Answer, type Outcome, type OutgoingEvent, type Target } from './send.ts';

type ElasticConfig = Extract<DestinationConfig, { type: 'elastic' }>;

/** The bulk API of Elasticsearch. Each event is created under its own id, so a repetition finds it there. */
export function elasticTarget(config: ElasticConfig, apiKey: string): Target {
  const url = new URL(config.url);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${config.index}/_bulk`;
  // The answer names each item: of it we ask for what is judged, so that it stays short.
  url.searchParams.set('filter_path', 'errors,items.*.status,items.*.error.type');
  return {
    limits: { events: 200, bytes: 5_000_000 },
    encode: (event) => `${JSON.stringify({ create: { _id: event.event.id } })}\n${document(event)}\n`,
    frame: { open: '', between: '', close: '' },
    request: async (body) => ({
      method: 'POST',
      url: url.href,
      headers: { Authorization: `ApiKey ${apiKey}`, 'Content-Type': 'application/x-ndjson' },
      body,
    }),
    judge,
  };
}

/** ECS is Elastic's own form; the others stand in a field of their own. */
function document({ event, format, body }: OutgoingEvent): string {
  if (format === 'ecs') return body;
  const facts = JSON.stringify({ '@timestamp': event.time, event: { id: event.id, sequence: event.seq, action: event.action } });
  return `${facts.slice(0, -1)},"${format === 'native' ? 'gatehouse' : format}":${body}}`;
}

const item = z.object({ create: z.object({ status: z.number().int(), error: z.object({ type: z.string() }).optional() }) });
const reply = z.object({ errors: z.boolean(), items: z.array(item) });
const refusal = z.object({ error: z.object({ type: z.string() }) });

function judge(answer: Answer, events: readonly OutgoingEvent[]): Outcome {
  const { status } = answer;
  if (status !== 200) return judgeStatus('Elasticsearch', answer, refusal.safeParse(jsonOf(answer)).data?.error.type ?? null);
  const said = reply.safeParse(jsonOf(answer)).data;
  if (said?.items.length !== events.length)
    return { kind: 'hold', status, message: 'Elasticsearch answered 200 without saying what became of each event' };
  return judgeItems(said.items);
}

/** 200 says nothing yet: each item has a status of its own, in our order. 409: it is there already. */
function judgeItems(items: Array<z.infer<typeof item>>): Outcome {
  const bad = items.findIndex(({ create }) => create.status >= 300 && create.status !== 409);
  if (bad === -1) return { kind: 'delivered', count: items.length, status: 200, message: 'Elasticsearch answered 200' };
  const { status = 500, error } = items[bad]?.create ?? {};
  const message = `Elasticsearch answered ${status} for an event: ${error?.type ?? 'no reason given'}`;
  if (status === 400 || status === 413) return { kind: 'refused', index: bad, status, message };
  if (bad > 0) return { kind: 'delivered', count: bad, status, message };
  return judgeStatus('Elasticsearch', { status, text: '', retryAfter: null }, error?.type ?? null);
}
