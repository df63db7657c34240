import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatEvent } from '../../../core/audit/formats.ts';
import { toOcsf } from '../../../core/audit/ocsf.ts';
import { OCSF_CLASSES, type OcsfClass } from '../../../core/audit/ocsf-actions.ts';
import type { AuditAction, AuditEvent } from '../../../core/audit/event.ts';
import { anyEvent, EVERY_KIND } from '../../support/events.ts';
import schema from './ocsf/ocsf-1.8.0.schema.json' with { type: 'json' };

const published = schema as unknown as { $id: string; classes: Record<string, { properties: Record<string, { enum?: unknown[] }> }> };
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(published);
const validators = new Map<number, ValidateFunction>(
  Object.entries(OCSF_CLASSES).map(([name, { uid }]) => [uid, ajv.compile({ $ref: `${published.$id}#/classes/${name}` })]),
);

const context = { tenant: { id: 'tnt_01m856tm29e6frrs5mmr9m5rhs', name: 'Example' }, version: '0.1.0' };
type Ocsf = Record<string, unknown> & { class_uid: number; activity_id: number; metadata: Record<string, unknown> };
/** As it travels. */
const sent = (event: AuditEvent) => JSON.parse(JSON.stringify(toOcsf(event, context))) as Ocsf;
function faultsOf(ocsf: Ocsf): unknown[] {
  const validate = validators.get(ocsf.class_uid);
  if (!validate) return [`class ${ocsf.class_uid}`];
  return validate(ocsf) ? [] : (validate.errors ?? []);
}
const sample = (action: AuditAction, outcome: AuditEvent['outcome'] = 'success', over: Partial<AuditEvent> = {}): AuditEvent => ({
  ...(fc.sample(anyEvent(action, outcome), { seed: 1, numRuns: 1 })[0] ?? expect.fail()),
  ...over,
});

describe('against the published schema', () => {
  test.each(EVERY_KIND)('%s, %s', (action, outcome) => {
    fc.assert(
      fc.property(anyEvent(action, outcome), (event) => {
        expect(faultsOf(sent(event))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test('classes and activities have the numbers that the schema gives them', () => {
    for (const [name, { uid, activities }] of Object.entries(OCSF_CLASSES)) {
      const { properties } = published.classes[name] ?? expect.fail(name);
      expect(properties).toMatchObject({ class_uid: { const: uid } });
      expect(properties['activity_id']?.enum).toEqual(expect.arrayContaining([...Object.values(activities), 99]));
    }
  });

  test('what is broken on purpose fails', () => {
    const good = sent(sample('token.create'));
    const { api: _api, ...withoutApi } = good;
    const { severity_id: _severity, ...withoutSeverity } = good;
    const { product: _product, ...withoutProduct } = good.metadata;
    for (const broken of [
      ...[withoutApi, withoutSeverity, { ...good, metadata: withoutProduct }, { ...good, actor: {} }],
      ...[
        { ...good, time: '2026-11-26' },
        { ...good, activity_id: 77 },
        { ...good, type_uid: 600300 + 77 },
        { ...good, colour: 'red' },
      ],
      ...[
        { ...good, src_endpoint: { ip: 'nowhere' } },
        { ...good, src_endpoint: {} },
      ],
    ])
      expect(faultsOf(broken as Ocsf), JSON.stringify(broken)).not.toEqual([]);
  });
});

describe('what an analyst looks for', () => {
  const class_uid = (name: OcsfClass) => OCSF_CLASSES[name].uid;

  test('is named once: id, number, organisation, times, request', () => {
    const event = sample('template.create', 'success', { requestId: 'req_1' });
    expect(sent(event)).toMatchObject({
      time: Date.parse(event.time),
      metadata: {
        ...{ version: '1.8.0', uid: event.id, sequence: event.seq, tenant_uid: context.tenant.id, event_code: event.action },
        ...{ original_time: event.time, logged_time: Date.parse(event.recordedAt), correlation_uid: 'req_1' },
        product: { name: 'Gatehouse', version: '0.1.0' },
      },
    });
  });

  test('success, failure and refusal are told apart', () => {
    expect(sent(sample('user.sign_in'))).toMatchObject({ status: 'Success', action: 'Allowed', severity: 'Informational' });
    const failed = sent(sample('user.sign_in', 'failure', { reason: 'wrong password', status: 401 }));
    expect(failed).toMatchObject({ status: 'Failure', status_code: '401', status_detail: 'wrong password', disposition: 'Unauthorized' });
    expect(sent(sample('user.delete', 'denied'))).toMatchObject({
      status: 'Failure',
      action: 'Denied',
      disposition: 'Blocked',
      severity: 'Medium',
    });
  });

  test('a role given to a person, to a group, and refused before anybody was named', () => {
    const details = { role: 'Owner', subject: 'Ines', subjectType: 'user', subjectId: 'usr_1' };
    const person = sent(sample('role.assign', 'success', { details }));
    expect(person).toMatchObject({ class_uid: class_uid('user_access'), user: { uid: 'usr_1', name: 'Ines' }, privileges: ['Owner'] });
    const group = sent(sample('role.assign', 'success', { details: { ...details, subjectType: 'group' } }));
    expect(group).toMatchObject({ class_uid: class_uid('group_management'), activity_id: 1, group: { name: 'Ines' } });
    expect(sent(sample('role.assign', 'denied', { details: {} }))).toMatchObject({ class_uid: class_uid('entity_management') });
  });

  test('an approved request is access that somebody got', () => {
    const details = { template: 'tpl_1', person: 'usr_1', name: 'Ines' };
    expect(sent(sample('access_request.approve', 'success', { details }))).toMatchObject({
      ...{ class_uid: class_uid('user_access'), activity_name: 'Assign Privileges', user: { uid: 'usr_1', name: 'Ines' } },
    });
  });

  test('one member that came, one that went, and both at once', () => {
    const came = { path: 'members.user usr_1', old: null, new: 'Ines', secret: false };
    const went = { path: 'members.group grp_1', old: 'Ops', new: null, secret: false };
    const of = (diff: AuditEvent['diff']) => sent(sample('group.members.update', 'success', { diff }));
    expect(of([came])).toMatchObject({ activity_name: 'Add User', user: { uid: 'usr_1', name: 'Ines' } });
    expect(of([went])).toMatchObject({ activity_name: 'Remove Subgroup', subgroup: { uid: 'grp_1', name: 'Ops' } });
    expect(of([came, went])).toMatchObject({ activity_id: 99, activity_name: 'Members Update' });
  });

  test('a connection that was refused, one that failed, and where it led', () => {
    const over = { workspaceId: 'wsp_1', resource: { type: 'connection' as const, id: 'con_1', name: 'box' } };
    const opened = sent(sample('connection.open', 'success', over));
    expect(opened).toMatchObject({ activity_name: 'Open', dst_endpoint: { uid: 'wsp_1', name: 'box' } });
    expect(sent(sample('connection.join', 'denied', over))).toMatchObject({ activity_name: 'Refuse' });
    expect(sent(sample('connection.join', 'failure', over))).toMatchObject({ activity_name: 'Fail' });
  });

  test('a finding: new with its rule and severity, then as it stands; who may not say so has changed nothing of it', () => {
    const resource = { type: 'finding' as const, id: 'fnd_1', name: 'Many failed sign-ins of one account: Ines' };
    const details = { rule: 'brute-force', severity: 'high', subject: 'Ines', events: 8, event: 'evt_1' };
    const found = sent(sample('finding.open', 'success', { resource, details }));
    expect(found).toMatchObject({
      ...{ class_uid: 2004, activity_name: 'Create', status: 'New', severity: 'High', disposition: 'Detected', is_alert: true },
      finding_info: { uid: 'fnd_1', title: resource.name, analytic: { uid: 'brute-force' }, related_events: [{ uid: 'evt_1' }] },
    });
    const stands = (action: AuditAction, outcome: AuditEvent['outcome'] = 'success') => sent(sample(action, outcome, { resource }));
    expect(stands('finding.acknowledge')).toMatchObject({ activity_name: 'Update', status: 'In Progress', is_alert: false });
    expect(stands('finding.resolve')).toMatchObject({ activity_name: 'Close', status: 'Resolved' });
    expect(stands('finding.reopen')).toMatchObject({ activity_name: 'Update', status: 'New' });
    expect(stands('finding.resolve', 'denied')).toMatchObject({ class_uid: class_uid('api_activity'), status: 'Failure' });
  });

  test('the place and the device, and no address that is none', () => {
    const origin = {
      ...{ ip: '2001:db8::1', userAgent: 'Mozilla/5.0', browser: 'Firefox 140', os: 'Windows 11', device: 'desktop' },
      ...{ country: 'DE', city: 'Berlin', asn: 'AS64500 Example Ltd' },
    };
    const found = sent(sample('user.update', 'success', { origin, requestId: null }));
    expect(found['src_endpoint']).toEqual({
      ...{ ip: '2001:db8::1', type: 'desktop', type_id: 2, os: { name: 'Windows 11', type_id: 100 } },
      ...{ location: { country: 'DE', city: 'Berlin' }, autonomous_system: { number: 64500, name: 'Example Ltd' } },
    });
    expect(found).toMatchObject({ http_request: { user_agent: 'Mozilla/5.0' }, unmapped: { browser: 'Firefox 140' } });
    expect(sent(sample('user.update', 'success', { origin: { ...origin, ip: '<script>' } }))).not.toHaveProperty('src_endpoint');
  });

  test('the diff, with our own words', () => {
    const diff = [{ path: 'name', old: 'a', new: 'b', secret: false }];
    const resource = { type: 'template' as const, id: 'tpl_1', name: 'payments' };
    const event = sample('template.update', 'success', { diff, resource });
    expect(sent(event)['unmapped']).toMatchObject({ action: 'template.update', resource, diff });
    expect(formatEvent('ocsf', event, context)).toEqual(toOcsf(event, context));
  });
});
