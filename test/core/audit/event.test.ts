import { describe, expect, test } from 'vitest';
import { diff, diffEntries, type FieldRules } from '../../../core/audit/diff.ts';
import { AUDIT_ACTIONS, auditEvent, OUTCOMES, sentence, type AuditAction } from '../../../core/audit/event.ts';
import { EVERY_ACTION } from '../../support/events.ts';

const resource = { type: 'template' as const, id: 'tpl_1', name: 'payments' };
const say = (action: AuditAction, outcome: (typeof OUTCOMES)[number], name = resource.name) =>
  sentence({ action, outcome, resource: { ...resource, name } });

/** Past tenses that do not end in -ed. */
const IRREGULAR = /^(gave|took|made|sent|read|found|came|went|began|set|reset|bound|withdrew)\b/;

describe('every action reads as a sentence', () => {
  test.each(EVERY_ACTION)('%s', (action) => {
    const [done, failed, refused] = OUTCOMES.map((outcome) => say(action, outcome));
    expect(done).toMatch(/^[a-z]/);
    expect(/^[a-z]+ed\b/.test(done ?? '') || IRREGULAR.test(done ?? ''), done).toBe(true);
    expect(failed).toBe(`failed to ${AUDIT_ACTIONS[action].attempt.replace('{resource}', 'payments')}`);
    expect(refused).toBe(`was not allowed to ${AUDIT_ACTIONS[action].attempt.replace('{resource}', 'payments')}`);
    expect(AUDIT_ACTIONS[action].attempt).not.toMatch(/^\w+ed\b/);
    for (const words of [done, failed, refused]) {
      expect(words).not.toMatch(/[{}]| {2}|[.,:;]$|^\s|\s$/);
      expect(words?.split('payments').length ?? 0).toBeLessThanOrEqual(2);
    }
  });

  test('a name is taken to the letter, whatever it holds', () => {
    for (const name of ['$&', '$1', "$'", '{resource}', '<b>'])
      expect(say('template.create', 'success', name)).toBe(`created template ${name}`);
  });

  test('as an analyst reads them', () => {
    expect(say('template.create', 'success')).toBe('created template payments');
    expect(say('template.acl.update', 'denied')).toBe('was not allowed to change who may use template payments');
    expect(say('user.sign_in', 'failure', 'Ines')).toBe('failed to sign in');
    expect(say('request.denied', 'denied', 'GET /api/v1/users')).toBe('was not allowed to call GET /api/v1/users');
    expect(say('role.assign', 'success', 'Owner to Ines')).toBe('gave role Owner to Ines');
  });
});

describe('declared fields', () => {
  interface Thing {
    name: string;
    seen: number;
    password: string;
  }
  const rules: FieldRules<Thing> = { name: 'tracked', seen: 'ignored', password: 'secret' };
  const before = { name: 'a', seen: 1, password: 'hunter2' };

  test('tracked ones are kept, ignored ones left out, of secret ones only that they changed', () => {
    expect(diff(rules, before, { name: 'b', seen: 2, password: 'hunter3' })).toEqual([
      { path: 'name', old: 'a', new: 'b', secret: false },
      { path: 'password', old: null, new: null, secret: true },
    ]);
    expect(diff(rules, before, { ...before, seen: 9 })).toEqual([]);
    expect(diff(rules, null, before)).toHaveLength(2);
    expect(JSON.stringify([diff(rules, before, null), diff(rules, null, before)])).not.toContain('hunter');
  });

  test('an undeclared field does not compile', () => {
    // @ts-expect-error -- `password` is not declared
    const missing: FieldRules<Thing> = { name: 'tracked', seen: 'ignored' };
    // @ts-expect-error -- nor is it where the rules stand beside the change
    const inline = diff({ name: 'tracked' }, { name: 'a', password: 'x' }, null);
    expect([missing, inline]).toHaveLength(2);
  });

  test('entries by their keys: came, went, became another, stayed', () => {
    const old = new Map([
      ['user 1', { ...before, name: 'stays' }],
      ['user 2', { ...before, name: 'goes' }],
      ['user 3', { ...before, name: 'old' }],
      ['user 4', { ...before, name: 'same', password: 'hunter2' }],
    ]);
    const now = new Map([
      ['user 1', { ...before, name: 'stays', seen: 7 }],
      ['user 3', { ...before, name: 'new' }],
      ['user 4', { ...before, name: 'same', password: 'hunter3' }],
      ['user 5', { ...before, name: 'comes' }],
    ]);
    const changes = diffEntries('acl.', rules, old, now);
    expect(changes).toEqual([
      { path: 'acl.user 2', old: { name: 'goes' }, new: null, secret: false },
      { path: 'acl.user 2.password', old: null, new: null, secret: true },
      { path: 'acl.user 3', old: { name: 'old' }, new: { name: 'new' }, secret: false },
      { path: 'acl.user 4.password', old: null, new: null, secret: true },
      { path: 'acl.user 5', old: null, new: { name: 'comes' }, secret: false },
      { path: 'acl.user 5.password', old: null, new: null, secret: true },
    ]);
    expect(JSON.stringify(changes)).not.toContain('hunter');
    expect(diffEntries('members.', 'tracked', new Map([['user 1', 'Ines']]), new Map())).toEqual([
      { path: 'members.user 1', old: 'Ines', new: null, secret: false },
    ]);
  });
});

test('an event of an early version, whose origin knew neither device nor place, still parses', () => {
  const early = {
    ...{ id: 'evt_1', seq: 1, time: '2026-01-01T00:00:00.000Z', recordedAt: '2026-01-01T00:00:00.000Z' },
    actor: { type: 'user', id: 'usr_1', name: 'Olga', email: null, via: 'session' },
    ...{ action: 'template.create', resource, outcome: 'success', status: 201, reason: null },
    origin: { ip: '192.0.2.1', userAgent: 'Mozilla/5.0' },
    ...{ requestId: null, sessionId: null, workspaceId: null, grantId: null, diff: [], details: {} },
  };
  expect(auditEvent.parse(early).origin).toEqual({
    ...{ ip: '192.0.2.1', userAgent: 'Mozilla/5.0' },
    ...{ browser: null, os: null, device: null, country: null, city: null, asn: null },
  });
});
