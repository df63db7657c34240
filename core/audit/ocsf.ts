import { sentence, type AuditActor, type AuditEvent, type AuditOrigin } from './event.ts';
import { addressOf, asnOf, compact, holderOf, type ExportContext } from './export.ts';
import { NOTABLE, OCSF_CLASSES, OCSF_VERSION, ocsfMapping, SEVERITIES, type OcsfClass, type Severity } from './ocsf-actions.ts';

type Attributes = Record<string, unknown>;

/** An event as OCSF 1.8.0, with the profile `security_control` and, for classes that know an actor only by it, `host`. */
export function toOcsf(event: AuditEvent, context: ExportContext): Attributes {
  const [name, activity, own] = ocsfMapping(event);
  const { uid, category, activities } = OCSF_CLASSES[name];
  const activityId = activity === 'Other' ? 99 : (activities as Record<string, number>)[activity];
  const severity = severityOf(event);
  return compact({
    ...{ class_uid: uid, category_uid: category, activity_id: activityId, type_uid: uid * 100 + (activityId ?? 0) },
    activity_name: own ?? activity,
    ...{ time: Date.parse(event.time), timezone_offset: 0, message: `${event.actor.name} ${sentence(event)}` },
    ...{ severity_id: SEVERITIES[severity], severity },
    ...statusOf(event, name),
    ...controlOf(event, name),
    metadata: metadataOf(event, context, name),
    actor: actorOf(event),
    ...ofClass(name, event, context),
    unmapped: unmappedOf(event),
  });
}

const FOUND: ReadonlyMap<unknown, Severity> = new Map([
  ['low', 'Low'],
  ['medium', 'Medium'],
  ['high', 'High'],
]);

function severityOf({ action, outcome, details }: AuditEvent): Severity {
  if (action === 'finding.open') return FOUND.get(details['severity']) ?? 'Medium';
  const notable = NOTABLE[action] ?? 'Informational';
  const base: Severity = outcome === 'success' ? 'Informational' : outcome === 'failure' ? 'Low' : 'Medium';
  return SEVERITIES[notable] > SEVERITIES[base] ? notable : base;
}

function statusOf({ action, outcome, status, reason }: AuditEvent, name: OcsfClass): Attributes {
  const detail = { status_code: status === null ? null : String(status), status_detail: reason };
  if (name === 'detection_finding') return { ...detail, ...standingOf(action) };
  return { ...detail, ...(outcome === 'success' ? { status_id: 1, status: 'Success' } : { status_id: 2, status: 'Failure' }) };
}

/** How a finding stands after that event. */
function standingOf(action: AuditEvent['action']): Attributes {
  if (action === 'finding.acknowledge') return { status_id: 2, status: 'In Progress' };
  return action === 'finding.resolve' ? { status_id: 4, status: 'Resolved' } : { status_id: 1, status: 'New' };
}

/** Profile `security_control`: what we, who control access, did with it. */
function controlOf({ action, outcome }: AuditEvent, name: OcsfClass): Attributes {
  if (name === 'detection_finding')
    return { action_id: 3, action: 'Observed', disposition_id: 15, disposition: 'Detected', is_alert: action === 'finding.open' };
  if (outcome === 'success') return { action_id: 1, action: 'Allowed', disposition_id: 1, disposition: 'Allowed' };
  if (outcome === 'denied') return { action_id: 2, action: 'Denied', disposition_id: 2, disposition: 'Blocked' };
  if (name === 'authentication') return { action_id: 2, action: 'Denied', disposition_id: 26, disposition: 'Unauthorized' };
  return { action_id: 3, action: 'Observed', disposition_id: 27, disposition: 'Error' };
}

const BY_HOST: ReadonlySet<OcsfClass> = new Set(['application_lifecycle', 'detection_finding', 'network_activity']);

const metadataOf = (event: AuditEvent, { tenant, version }: ExportContext, name: OcsfClass): Attributes => ({
  version: OCSF_VERSION,
  product: { name: 'Gatehouse', vendor_name: 'Gatehouse', version },
  profiles: BY_HOST.has(name) ? ['host', 'security_control'] : ['security_control'],
  ...{ uid: event.id, sequence: event.seq, tenant_uid: tenant.id, event_code: event.action, correlation_uid: event.requestId },
  ...{ log_name: 'audit', log_provider: 'Gatehouse', original_time: event.time, logged_time: Date.parse(event.recordedAt) },
});

/** Syntax of OCSF's `email_t`; an address beyond it stands in `unmapped` only. */
const EMAIL = /^[\w!#$%&'*+\-/=?^`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$/;
const emailOf = (email: string | null) => (email !== null && EMAIL.test(email) ? email : null);

const USER_TYPES: Record<AuditActor['type'], { type_id: number; type: string }> = {
  user: { type_id: 1, type: 'User' },
  operator: { type_id: 2, type: 'Admin' },
  system: { type_id: 3, type: 'System' },
  'service-account': { type_id: 4, type: 'Service' },
  runner: { type_id: 4, type: 'Service' },
  'scim-client': { type_id: 4, type: 'Service' },
  anonymous: { type_id: 0, type: 'Unknown' },
};

const userOf = ({ type, id, name, email }: AuditActor): Attributes => ({
  ...{ uid: id, name: email ?? name, full_name: name, email_addr: emailOf(email) },
  ...USER_TYPES[type],
});

/** Something that is no person is the application that acts, too. */
function actorOf({ actor, sessionId }: AuditEvent): Attributes {
  const isApplication = actor.type === 'system' || actor.type === 'runner' || actor.type === 'scim-client';
  return {
    user: userOf(actor),
    session: sessionId === null ? null : { uid: sessionId },
    ...(isApplication ? { app_name: actor.name, app_uid: actor.id } : {}),
  };
}

/** What each class wants besides. A request's facts go only where the class has a place for them. */
function ofClass(name: OcsfClass, event: AuditEvent, context: ExportContext): Attributes {
  const source = { src_endpoint: endpointOf(event.origin), http_request: requestOf(event) };
  switch (name) {
    case 'authentication':
      return { ...source, ...authentication(event, context) };
    case 'account_change':
      return { ...source, user: subjectOf(event) };
    case 'user_access':
      return { ...source, user: holdingUser(event), privileges: privilegesOf(event), resource: resourceOf(event) };
    case 'group_management':
      return { ...source, ...groupOf(event) };
    case 'entity_management':
      return { ...source, entity: entityOf(event) };
    case 'api_activity':
      return {
        ...source,
        src_endpoint: source.src_endpoint ?? { svc_name: 'Gatehouse' },
        ...apiOf(event),
        resources: [compact(resourceOf(event))],
      };
    case 'application_lifecycle':
      return { app: { uid: event.resource.id, name: event.resource.name, feature: { name: event.resource.type } } };
    case 'detection_finding':
      return findingOf(event, source.src_endpoint);
    case 'network_activity':
      return {
        ...{
          src_endpoint: source.src_endpoint,
          dst_endpoint: { uid: event.workspaceId, name: event.resource.name, svc_name: 'Gatehouse' },
        },
        app_name: 'Gatehouse',
      };
  }
}

/** Names and browsers are not in the same words everywhere: the system by its beginning. */
const SYSTEMS = [
  [/^windows phone/i, 101],
  [/^windows/i, 100],
  [/^android/i, 201],
  [/^ipados/i, 302],
  [/^ios/i, 301],
  [/^macos/i, 300],
  [/linux|chrome os|ubuntu|fedora/i, 200],
] as const;
const systemOf = (name: string): Attributes => ({ name, type_id: SYSTEMS.find(([pattern]) => pattern.test(name))?.[1] ?? 99 });

const DEVICES: ReadonlyMap<string, number> = new Map([
  ['desktop', 2],
  ['tablet', 4],
  ['mobile', 5],
]);

/** null where there is nothing to name it by. */
function endpointOf(origin: AuditOrigin | null): Attributes | null {
  const ip = addressOf(origin);
  if (origin === null || ip === null) return null;
  const { country, city, os, device } = origin;
  return {
    ip,
    location: { country, city },
    autonomous_system: asnOf(origin),
    os: os === null ? null : systemOf(os),
    ...(device === null ? {} : { type: device, type_id: DEVICES.get(device) ?? 99 }),
  };
}

const requestOf = ({ origin, requestId }: AuditEvent): Attributes => ({ uid: requestId, user_agent: origin?.userAgent });

function authentication(event: AuditEvent, { tenant }: ExportContext): Attributes {
  const { resource, sessionId, details } = event;
  const method = typeof details['method'] === 'string' ? details['method'] : null;
  return {
    user: subjectOf(event),
    service: { name: 'Gatehouse', uid: tenant.id },
    session: { uid: resource.type === 'session' ? resource.id : sessionId },
    ...(method === null ? {} : { auth_protocol_id: 99, auth_protocol: method, is_mfa: method === 'passkey' || method.includes('+') }),
    ...{ logon_type_id: 3, logon_type: 'Network', is_remote: true },
  };
}

/** The account that an event is about. A session is named by its owner, and has no account's id. */
function subjectOf({ actor, resource }: AuditEvent): Attributes {
  if (resource.type === 'service-account') return { uid: resource.id, name: resource.name, ...USER_TYPES['service-account'] };
  if (resource.type === 'user' && resource.id === actor.id && actor.id !== null) return userOf(actor);
  return { uid: resource.type === 'user' ? resource.id : null, name: resource.name, ...USER_TYPES.user };
}

/** Whoever got or lost a right, where it is no group. */
function holdingUser(event: AuditEvent): Attributes {
  const holder = holderOf(event);
  return { uid: holder?.id, name: holder?.name, ...USER_TYPES[holder?.type === 'service-account' ? 'service-account' : 'user'] };
}

/** A role by its title; what a request for access gives is the use of a template. */
const privilegesOf = ({ action, details, resource }: AuditEvent): string[] =>
  action === 'access_request.approve' ? [`use template ${resource.name}`] : [String(details['role'] ?? resource.name)];
const resourceOf = ({ resource }: AuditEvent): Attributes => ({ uid: resource.id, name: resource.name, type: resource.type });

/** The group itself, or the one that got or lost a role. */
function groupOf(event: AuditEvent): Attributes {
  const { resource, diff } = event;
  const holder = holderOf(event);
  if (resource.type !== 'group') return { group: { uid: holder?.id, name: holder?.name }, privileges: privilegesOf(event) };
  const group = { uid: resource.id, name: resource.name };
  const [only, ...others] = diff.filter(({ path }) => path.startsWith('members.'));
  if (event.action !== 'group.members.update' || only === undefined || others.length > 0) return { group };
  const [kind, uid] = only.path.slice('members.'.length).split(' ');
  const member = { uid, name: String(only.new ?? only.old) };
  return { group, ...(kind === 'group' ? { subgroup: member } : { user: member }) };
}

function entityOf({ resource }: AuditEvent): Attributes {
  const named = { uid: resource.id, name: resource.name };
  const entity = { ...named, type: resource.type };
  if (resource.type === 'tenant') return { ...entity, type_id: 4, type: 'Organization', org: named };
  if (resource.type === 'policy') return { ...entity, type_id: 5, type: 'Policy', policy: named };
  return { ...entity, type_id: 99 };
}

/** What was found, by which rule, and the event that completed it; the others are in the trail. */
const findingOf = ({ id, time, resource, details }: AuditEvent, source: Attributes | null): Attributes => ({
  finding_info: {
    ...{ uid: resource.id ?? id, title: resource.name, modified_time: Date.parse(time) },
    analytic: typeof details['rule'] === 'string' ? { uid: details['rule'], name: details['rule'], type_id: 1, type: 'Rule' } : null,
    related_events: typeof details['event'] === 'string' ? [{ uid: details['event'] }] : null,
    related_events_count: Number.isInteger(details['events']) ? details['events'] : null,
  },
  evidences: source === null ? null : [{ src_endpoint: compact(source) }],
});

const apiOf = ({ action, resource, requestId, status }: AuditEvent): Attributes => ({
  api: {
    operation: action === 'request.denied' ? resource.name : action,
    service: { name: 'Gatehouse' },
    request: requestId === null ? null : { uid: requestId },
    response: status === null ? null : { code: status },
  },
});

/** What OCSF has no place for, in our words. */
const unmappedOf = ({ action, actor, resource, outcome, origin, workspaceId, grantId, diff, details }: AuditEvent): Attributes => ({
  ...{ action, outcome, resource, workspace_id: workspaceId, grant_id: grantId },
  actor: { via: actor.via, email: emailOf(actor.email) === null ? actor.email : null },
  browser: origin?.browser,
  diff,
  details,
});
