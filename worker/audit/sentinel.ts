import { z } from 'zod';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { jsonOf, judgeStatus, type Answer, type Ask, type Outcome, type OutgoingEvent, type Target } from './send.ts';

type SentinelConfig = Extract<DestinationConfig, { type: 'sentinel' }>;

/** Where the access token lies between deliveries, sealed. */
export interface TokenKeeper {
  /** null when there is none that is good for a while */
  read(): Promise<string | null>;
  keep(token: string, until: Date): Promise<void>;
  forget(): Promise<void>;
}

/** A longer value of a column is cut, and the answer is yes. */
const MAX_COLUMN_BYTES = 64 * 1024;

/** Microsoft Sentinel by the Logs Ingestion API. */
export function sentinelTarget(config: SentinelConfig, clientSecret: string, tokens: TokenKeeper, now: () => Date): Target {
  const address = new URL(config.url);
  address.pathname = `${address.pathname.replace(/\/$/, '')}/dataCollectionRules/${config.ruleId}/streams/${config.stream}`;
  address.searchParams.set('api-version', '2023-01-01');
  return {
    limits: { events: 1_000, bytes: 950_000 },
    encode: row,
    frame: { open: '[', between: ',', close: ']' },
    fault: ({ body }) =>
      Buffer.byteLength(body) > MAX_COLUMN_BYTES ? `It is larger than the ${MAX_COLUMN_BYTES} bytes that Sentinel keeps of a column` : null,
    request: async (body, _, ask) => {
      const token = (await tokens.read()) ?? (await freshToken(config, clientSecret, tokens, ask, now()));
      if (typeof token !== 'string') return token;
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      return { method: 'POST', url: address.href, headers, body };
    },
    judge: (answer, events) => judge(answer, events.length),
    // The token may have been revoked before its time.
    putRight: async ({ status }) => {
      if (status === 401) await tokens.forget();
      return status === 401;
    },
  };
}

/** `id`, `TenantId` and `Type` are Sentinel's own names. */
function row({ event, format, body }: OutgoingEvent): string {
  const facts = JSON.stringify({
    TimeGenerated: event.time,
    EventId: event.id,
    Seq: event.seq,
    RecordedAt: event.recordedAt,
    Action: event.action,
    Outcome: event.outcome,
    ActorType: event.actor.type,
    ActorId: event.actor.id,
    ActorName: event.actor.name,
    ActorEmail: event.actor.email,
    ResourceType: event.resource.type,
    ResourceId: event.resource.id,
    ResourceName: event.resource.name,
    SourceIp: event.origin?.ip ?? null,
    Format: format,
  });
  return `${facts.slice(0, -1)},"Event":${body}}`;
}

const granted = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
const refused = z.object({ error: z.string() });
/** A token is not used in its last minutes: its clock is not ours. */
const MARGIN_SECONDS = 300;

/** Each cloud of Microsoft's has its own audience. */
function scopeOf(authority: string): string {
  const host = new URL(authority).hostname;
  const cloud = host.endsWith('.us') ? 'us' : host.endsWith('.cn') ? 'cn' : 'com';
  return `https://monitor.azure.${cloud}/.default`;
}

/** A token by client credentials (OAuth 2.0), kept until shortly before it ends. */
async function freshToken(
  { authority, directoryId, clientId }: SentinelConfig,
  clientSecret: string,
  tokens: TokenKeeper,
  ask: Ask,
  now: Date,
): Promise<string | Outcome> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope: scopeOf(authority) };
  const answer = await ask({
    method: 'POST',
    url: `${authority.replace(/\/+$/, '')}/${directoryId}/oauth2/v2.0/token`,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  const token = answer.status === 200 ? granted.safeParse(jsonOf(answer)).data : undefined;
  if (!token) return tokenRefused(answer);
  const seconds = Math.max(token.expires_in - MARGIN_SECONDS, 0);
  await tokens.keep(token.access_token, new Date(now.getTime() + seconds * 1000));
  return token.access_token;
}

/** No answer of the token's place speaks of an event: it is tried again, or held. */
function tokenRefused(answer: Answer): Outcome {
  const judged = judgeStatus('Microsoft Entra', answer, refused.safeParse(jsonOf(answer)).data?.error ?? null);
  return judged.kind === 'retry' ? judged : { kind: 'hold', status: judged.status, message: judged.message };
}

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string().default('') }) });

function judge(answer: Answer, count: number): Outcome {
  const { status } = answer;
  if (status === 204 || status === 200) return { kind: 'delivered', count, status, message: `Sentinel answered ${status}` };
  const said = refusal.safeParse(jsonOf(answer)).data?.error;
  return judgeStatus('Sentinel', answer, said ? `${said.code} ${said.message}`.trim() : null);
}
