import { ECS_ACTIONS, ECS_VERSION, type EcsCategory } from './ecs-actions.ts';
import { sentence, type AuditActor, type AuditEvent, type AuditOrigin } from './event.ts';
import { addressOf, asnOf, compact, holderOf, type ExportContext } from './export.ts';

type Fields = Record<string, unknown>;

/** An event in Elastic's Common Schema; what it has no field for stands under `gatehouse`. */
export function toEcs(event: AuditEvent, context: ExportContext): Fields {
  const { tenant, version } = context;
  const { actor, origin, status, requestId } = event;
  return compact({
    '@timestamp': event.time,
    message: `${actor.name} ${sentence(event)}`,
    ecs: { version: ECS_VERSION },
    event: categorised(event),
    organization: tenant,
    service: { name: 'gatehouse', type: 'gatehouse', version },
    user: { ...userOf(actor), target: targetOf(event) },
    group: groupOf(event),
    source: sourceOf(origin),
    user_agent: agentOf(origin),
    http: { request: { id: requestId }, response: { status_code: status } },
    rule: typeof event.details['rule'] === 'string' ? { id: event.details['rule'] } : null,
    related: { ip: listed(addressOf(origin)), user: listed(actor.id, actor.name, actor.email, targetOf(event)?.['id']) },
    gatehouse: ours(event),
  });
}

/** Categories that know the type `denied`. */
const KNOW_DENIED: ReadonlySet<EcsCategory> = new Set(['api', 'network']);

function categorised(event: AuditEvent): Fields {
  const { category, type } = ECS_ACTIONS[event.action];
  const refused = event.outcome === 'denied' && category.some((each) => KNOW_DENIED.has(each));
  return {
    kind: event.action === 'finding.open' ? 'alert' : 'event',
    ...{ category, type: refused ? [...type, 'denied'] : type },
    ...{ action: event.action, outcome: event.outcome === 'success' ? 'success' : 'failure', reason: event.reason },
    ...{ id: event.id, sequence: event.seq, created: event.recordedAt },
    ...{ provider: 'gatehouse', module: 'gatehouse', dataset: 'gatehouse.audit' },
  };
}

const userOf = ({ id, name, email }: AuditActor): Fields => ({ id, name: email ?? name, full_name: name, email });

/** The account that something was done to: nobody’s, or somebody else’s than the actor’s. */
function targetOf(event: AuditEvent): Fields | null {
  const { resource, actor } = event;
  const holder = holderOf(event);
  if (holder && holder.type !== 'group') return { id: holder.id, name: holder.name };
  const isAccount = resource.type === 'user' || resource.type === 'service-account';
  return isAccount && resource.id !== actor.id ? { id: resource.id, name: resource.name } : null;
}

function groupOf(event: AuditEvent): Fields | null {
  const { resource } = event;
  const holder = holderOf(event);
  if (resource.type === 'group') return { id: resource.id, name: resource.name };
  return holder?.type === 'group' ? { id: holder.id, name: holder.name } : null;
}

function sourceOf(origin: AuditOrigin | null): Fields | null {
  const ip = addressOf(origin);
  if (origin === null || ip === null) return null;
  const asn = asnOf(origin);
  return {
    ...{ ip, address: ip, geo: { country_iso_code: origin.country, city_name: origin.city } },
    as: asn && { number: asn.number, organization: { name: asn.name } },
  };
}

/** "Firefox 140" in its parts. */
function agentOf(origin: AuditOrigin | null): Fields | null {
  if (origin === null) return null;
  const [, name, version] = /^(.*?)(?: ([\d.]+))?$/.exec(origin.browser ?? '') ?? [];
  return {
    ...{ original: origin.userAgent, name: name === '' ? null : name, version },
    ...{ os: { full: origin.os }, device: { name: origin.device } },
  };
}

const listed = (...values: unknown[]): unknown[] => [...new Set(values.filter((value) => value !== null && value !== undefined))];

const ours = ({ actor, resource, outcome, sessionId, workspaceId, grantId, diff, details }: AuditEvent): Fields => ({
  ...{ actor: { type: actor.type, via: actor.via }, resource, outcome },
  ...{ session: { id: sessionId }, workspace: { id: workspaceId }, grant: { id: grantId } },
  // As text: what changed has other fields each time, and an index takes a bounded number of them.
  ...{ diff: diff.map((change) => JSON.stringify(change)), details: flattened(details) },
});

/** One list of "name: value", for the same reason. */
const flattened = (details: AuditEvent['details']): string[] => Object.entries(details).map(([name, value]) => `${name}: ${String(value)}`);
