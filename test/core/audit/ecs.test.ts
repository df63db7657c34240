import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toEcs } from '../../../core/audit/ecs.ts';
import { ECS_ACTIONS } from '../../../core/audit/ecs-actions.ts';
import { auditEvent, type AuditAction, type AuditEvent } from '../../../core/audit/event.ts';
import { AUDIT_FORMATS, formatEvent } from '../../../core/audit/formats.ts';
import { anyEvent, EVERY_ACTION, EVERY_KIND } from '../../support/events.ts';

/**
 * ECS 8.17, as published: https://www.elastic.co/guide/en/ecs/8.17/ecs-allowed-values-event-category.html (the categories that we use,
 * each with the types that are expected of it) and https://www.elastic.co/guide/en/ecs/8.17/ecs-field-reference.html (the fields).
 */
const EXPECTED_TYPES: Record<string, readonly string[]> = {
  api: ['access', 'admin', 'allowed', 'change', 'creation', 'deletion', 'denied', 'end', 'info', 'start', 'user'],
  authentication: ['start', 'end', 'info'],
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  host: ['access', 'change', 'end', 'info', 'start'],
  iam: ['admin', 'change', 'creation', 'deletion', 'group', 'info', 'user'],
  intrusion_detection: ['allowed', 'denied', 'info'],
  network: ['access', 'allowed', 'connection', 'denied', 'end', 'info', 'protocol', 'start'],
  session: ['start', 'end', 'info'],
};
const FIELDS: ReadonlySet<string> = new Set([
  ...['@timestamp', 'message', 'ecs.version', 'organization.id', 'organization.name'],
  ...['action', 'category', 'created', 'dataset', 'id', 'kind', 'module', 'outcome', 'provider', 'reason', 'sequence', 'type'].map(
    (name) => `event.${name}`,
  ),
  ...[
    'rule.id',
    'service.name',
    'service.type',
    'service.version',
    'group.id',
    'group.name',
    'http.request.id',
    'http.response.status_code',
  ],
  ...['user.id', 'user.name', 'user.full_name', 'user.email', 'user.target.id', 'user.target.name', 'related.ip', 'related.user'],
  ...[
    'source.ip',
    'source.address',
    'source.geo.country_iso_code',
    'source.geo.city_name',
    'source.as.number',
    'source.as.organization.name',
  ],
  ...['user_agent.original', 'user_agent.name', 'user_agent.version', 'user_agent.os.full', 'user_agent.device.name'],
]);

const context = { tenant: { id: 'tnt_01m856tm29e6frrs5mmr9m5rhs', name: 'Example' }, version: '0.1.0' };
const sent = (event: AuditEvent) => JSON.parse(JSON.stringify(toEcs(event, context))) as Record<string, unknown>;
const sample = (action: AuditAction, outcome: AuditEvent['outcome'] = 'success', over: Partial<AuditEvent> = {}): AuditEvent => ({
  ...(fc.sample(anyEvent(action, outcome), { seed: 1, numRuns: 1 })[0] ?? expect.fail()),
  ...over,
});

/** Each value by the dotted name of its field; lists are values. */
function fieldsOf(value: unknown, path = ''): Array<[string, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => fieldsOf(inner, path === '' ? key : `${path}.${key}`));
}

describe('against the published schema', () => {
  test.each(EVERY_KIND)('%s, %s: fields that there are, with values that are allowed', (action, outcome) => {
    fc.assert(
      fc.property(anyEvent(action, outcome), (event) => {
        const fields = fieldsOf(sent(event));
        expect(fields.map(([name]) => name).filter((name) => !name.startsWith('gatehouse.') && !FIELDS.has(name))).toEqual([]);
        const of = (name: string) => fields.find(([field]) => field === name)?.[1];
        expect(of('event.kind')).toBe(action === 'finding.open' ? 'alert' : 'event');
        expect(['success', 'failure']).toContain(of('event.outcome'));
        const allowed = (of('event.category') as string[]).flatMap((category) => EXPECTED_TYPES[category] ?? expect.fail(category));
        expect(allowed).toEqual(expect.arrayContaining(of('event.type') as string[]));
      }),
      { numRuns: 15 },
    );
  });

  test.each(EVERY_ACTION)('%s: each of its categories knows one of its types', (action) => {
    const { category, type } = ECS_ACTIONS[action];
    for (const each of category) expect(type.some((one) => EXPECTED_TYPES[each]?.includes(one))).toBe(true);
  });

  test('no field of ours grows with what an event says: an index takes a bounded number', () => {
    const details = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`fact${at}`, at]));
    const names = (over: Partial<AuditEvent>) => fieldsOf(sent(sample('user.update', 'success', over))).map(([name]) => name);
    expect(names({ details })).toEqual(names({ details: { one: 1 } }));
  });
});

test('who, to whom, from where', () => {
  const origin = {
    ...{ ip: '192.0.2.7', userAgent: 'Mozilla/5.0', browser: 'Microsoft Edge 141', os: 'Windows 11', device: 'desktop' },
    ...{ country: 'DE', city: 'Berlin', asn: 'AS64500 Example Ltd' },
  };
  const actor = { type: 'user' as const, id: 'usr_1', name: 'Olga', email: 'olga@example.test', via: 'session' };
  const resource = { type: 'user' as const, id: 'usr_2', name: 'Ines' };
  expect(sent(sample('user.suspend', 'success', { origin, actor, resource }))).toMatchObject({
    message: 'Olga suspended Ines',
    event: { category: ['iam'], type: ['user', 'change'], action: 'user.suspend', outcome: 'success' },
    user: { id: 'usr_1', name: 'olga@example.test', full_name: 'Olga', target: { id: 'usr_2', name: 'Ines' } },
    source: { ip: '192.0.2.7', geo: { country_iso_code: 'DE' }, as: { number: 64500, organization: { name: 'Example Ltd' } } },
    user_agent: { name: 'Microsoft Edge', version: '141' },
    related: { ip: ['192.0.2.7'], user: ['usr_1', 'Olga', 'olga@example.test', 'usr_2'] },
    organization: context.tenant,
  });
});

test('a refused request is denied, where the category has that word', () => {
  expect(sent(sample('request.denied', 'denied'))).toMatchObject({ event: { type: ['access', 'denied'], outcome: 'failure' } });
  expect(sent(sample('user.delete', 'denied'))).toMatchObject({
    event: { type: ['user', 'deletion'], outcome: 'failure' },
    gatehouse: { outcome: 'denied' },
  });
});

test('the native form is the event as the ledger keeps it', () => {
  for (const format of AUDIT_FORMATS) {
    const event = sample('role.assign');
    const formatted = formatEvent(format, event, context);
    if (format === 'native') expect(auditEvent.parse(formatted)).toEqual(event);
    else expect(formatted).not.toEqual(event);
  }
});
