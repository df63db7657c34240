import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../../core/audit/event.ts';
import { addressesIn, concerns, mayConcern, type Sought } from '../../../core/audit/person.ts';

const NINA = 'usr_nina';
const sought: Sought = { id: NINA, addresses: ['nina@acme.test'], findings: new Set(['fnd_hers']) };
const system = { type: 'system', id: null, name: 'Gatehouse', email: null, via: null } as const;
const ines = { type: 'user', id: 'usr_ines', name: 'Ines', email: 'ines@acme.test', via: 'session' } as const;
const nina = { type: 'user', id: NINA, name: 'Nina', email: 'Nina@acme.test', via: 'session' } as const;
const event = (facts: Partial<AuditEvent>): AuditEvent => ({
  ...{ id: 'evt_1', seq: 1, time: '2026-11-01T00:00:00.000Z', recordedAt: '2026-11-01T00:00:00.000Z', actor: ines },
  ...{ action: 'template.update', resource: { type: 'template', id: 'tpl_1', name: 'Payments' }, outcome: 'success', status: 200 },
  ...{ reason: null, origin: null, requestId: null, sessionId: null, workspaceId: null, grantId: null, diff: [], details: {} },
  ...facts,
});

describe('an event is a person’s', () => {
  test.each<[string, Partial<AuditEvent>]>([
    ['when they made it', { actor: nina }],
    ['when it is about them', { resource: { type: 'user', id: NINA, name: 'Nina' } }],
    ['when it says their id among its details', { details: { subjectId: NINA } }],
    ['when they are a member in its diff', { diff: [{ path: `members.user ${NINA}`, old: null, new: { name: 'Nina' }, secret: false }] }],
    ['when they become the value of a field', { diff: [{ path: 'responsible', old: 'usr_ines', new: NINA, secret: false }] }],
    ['when their address was invited', { resource: { type: 'invitation', id: 'inv_1', name: 'nina@acme.test' } }],
    ['when somebody unknown gave their address', { actor: { ...system, type: 'anonymous', name: 'x', email: 'NINA@acme.test' } }],
    ['when a finding about them was looked into', { resource: { type: 'finding', id: 'fnd_hers', name: 'Many failed sign-ins: Nina' } }],
  ])('%s', (_when, facts) => {
    const theirs = event(facts);
    expect(mayConcern(JSON.stringify(theirs), sought)).toBe(true);
    expect(concerns(theirs, sought)).toBe(true);
  });
});

describe('an event is not a person’s', () => {
  test.each<[string, Partial<AuditEvent>]>([
    ['when it is another’s', {}],
    ['when a thing is named after them', { resource: { type: 'template', id: 'tpl_1', name: `${NINA} nina@acme.test` } }],
    ['when a value that people choose has their id in it', { diff: [{ path: 'description', old: '', new: `for ${NINA}`, secret: false }] }],
    ['when a token was named after them', { details: { token: 'tok_1', tokenName: NINA } }],
    ['when a variable was named after them', { diff: [{ path: `environment.${NINA}`, old: null, new: 'x', secret: true }] }],
    ['when another has the address now', { actor: { ...ines, email: 'nina@acme.test' } }],
    [
      'when somebody else was deleted who had the address',
      { resource: { type: 'user', id: 'usr_other', name: 'N' }, details: { email: 'nina@acme.test' } },
    ],
    ['when it is about another finding', { resource: { type: 'finding', id: 'fnd_other', name: 'Nina' } }],
    ['when it is the order to erase them', { action: 'audit.erase', resource: { type: 'user', id: NINA, name: NINA } }],
    ['when it tells the end of that', { action: 'audit.erase.finish', actor: system, resource: { type: 'user', id: NINA, name: NINA } }],
  ])('%s', (_when, facts) => {
    expect(concerns(event(facts), sought)).toBe(false);
  });

  test('and most are not even parsed', () => {
    expect(mayConcern(JSON.stringify(event({})), sought)).toBe(false);
  });
});

test('an order that the person gave themselves is theirs: the end of it stays', () => {
  const order = event({ actor: nina, action: 'audit.erase', resource: { type: 'user', id: 'usr_other', name: 'usr_other' } });
  expect(concerns(order, sought)).toBe(true);
});

test('addresses are told by what they did, and by their deletion', () => {
  expect(addressesIn(event({ actor: nina }), NINA)).toEqual(['nina@acme.test']);
  const deletion = event({ action: 'user.delete', resource: { type: 'user', id: NINA, name: 'Nina' }, details: { email: 'n@acme.test' } });
  expect(addressesIn(deletion, NINA)).toEqual(['n@acme.test']);
  expect(addressesIn(event({}), NINA)).toEqual([]);
});
