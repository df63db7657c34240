import { describe, expect, it } from 'vitest';
import { AUDIT_ACTIONS, type AuditAction, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import { matchesFilter, parseFilter } from '@gatehouse/core/audit/filter.ts';
import { completed, completionsAt } from '../src/lib/audit/completion.ts';
import { ACCESS_CHANGES, OwnViews, viewOf, VIEWS } from '../src/lib/audit/views.svelte.ts';
import { pageOf } from '../src/lib/audit/places.ts';
import { auditEvent } from './data.ts';

const event = (action: AuditAction, outcome: AuditEvent['outcome'] = 'success'): AuditEvent => ({ ...auditEvent(1), action, outcome });
const actions = Object.keys(AUDIT_ACTIONS) as AuditAction[];

describe('the views of the audit log', () => {
  it('are filters that can be read', () => {
    for (const { filter } of VIEWS) if (filter.filter !== undefined) expect(() => parseFilter(filter.filter ?? '')).not.toThrow();
  });

  it('count as changes of access whatever gives or takes it: all of these, and nothing else', () => {
    const shown = actions.filter((action) => matchesFilter(parseFilter(ACCESS_CHANGES), event(action)));
    expect(shown.sort()).toEqual(
      [
        ...['template.acl.update', 'template.delete', 'access_request.approve', 'policy.update'],
        ...['user.join', 'user.update', 'user.suspend', 'user.activate', 'user.delete', 'user.reset_factors'],
        ...['group.create', 'group.update', 'group.delete', 'group.members.update', 'group.managers.update'],
        ...['role.create', 'role.update', 'role.delete', 'role.assign', 'role.extend', 'role.unassign'],
        ...['invitation.create', 'invitation.revoke', 'token.create', 'token.revoke'],
        ...['create', 'update', 'suspend', 'activate', 'delete'].map((verb) => `service_account.${verb}`),
      ].sort(),
    );
    expect(matchesFilter(parseFilter(ACCESS_CHANGES), event('role.assign', 'denied'))).toBe(false);
  });

  it('show every sign-in that did not succeed as failed', () => {
    const failed = parseFilter(VIEWS.find(({ label }) => label === 'Failed sign-ins')?.filter.filter ?? '');
    expect((['failure', 'denied', 'success'] as const).map((outcome) => matchesFilter(failed, event('user.sign_in', outcome)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('are known whatever time is looked at', () => {
    expect(viewOf(VIEWS, { outcome: 'denied', range: '7d' })?.label).toBe('Refused');
    expect(viewOf(VIEWS, { outcome: 'denied', q: 'x' })).toBeUndefined();
  });

  it('of one’s own are kept for each person, replaced by name, and removed', () => {
    const mine = new OwnViews('usr_a');
    mine.save(' Payments ', { q: 'payments', range: '7d' });
    mine.save('Payments', { q: 'payments' });
    expect(new OwnViews('usr_a').items).toEqual([{ label: 'Payments', filter: { q: 'payments' } }]);
    expect(new OwnViews('usr_b').items).toEqual([]);
    mine.remove('Payments');
    expect(new OwnViews('usr_a').items).toEqual([]);
  });

  it('that a browser keeps and nobody understands are as none', () => {
    localStorage.setItem('gatehouse.audit-views.usr_a', '{"not": "a list"}');
    expect(new OwnViews('usr_a').items).toEqual([]);
    localStorage.setItem('gatehouse.audit-views.usr_a', 'no JSON');
    expect(new OwnViews('usr_a').items).toEqual([]);
  });
});

describe('what is offered while a filter is typed', () => {
  const offered = (text: string, caret = text.length, known = {}) => completionsAt(text, caret, known).options.map((option) => option.text);

  it('is an attribute where one begins, after “and” and after a bracket', () => {
    expect(offered('')[0]).toBe('action');
    expect(offered('act')).toContain('actor.email');
    expect(offered('outcome eq "denied" and ')).toContain('actor.name');
    expect(offered('not (')).toContain('action');
    expect(offered('diff[')).toEqual(['path', 'old', 'new', 'secret']);
  });

  it('is an operator that fits the attribute', () => {
    expect(offered('action ')).toContain('sw');
    expect(offered('status ')).toEqual(['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'pr']);
    expect(offered('diff[secret ')).toEqual(['eq', 'ne', 'pr']);
  });

  it('is a value where there are so many only', () => {
    expect(offered('outcome eq ')).toEqual(['"success"', '"failure"', '"denied"']);
    expect(offered('action eq "template.acl')).toEqual(['"template.acl.update"']);
    expect(offered('action eq zzz')).toEqual([]);
    expect(offered('actor.name eq "In', undefined, { 'actor.name': [{ text: '"Ines Okafor"', label: '' }] })).toEqual(['"Ines Okafor"']);
  });

  it('is “and” or “or” behind what is complete', () => {
    expect(offered('outcome eq "denied" ')).toEqual(['and', 'or']);
    expect(offered('actor.email pr ')).toEqual(['and', 'or']);
    expect(offered('(action pr) ')).toEqual(['and', 'or']);
  });

  it('is put where the caret stands, and leads on', () => {
    const take = (text: string, caret = text.length) => {
      const completion = completionsAt(text, caret);
      return completed(text, completion, completion.options[0] ?? expect.fail('nothing is offered'));
    };
    expect(take('out')).toEqual({ text: 'outcome ', caret: 8 });
    expect(take('outcome eq "den')).toEqual({ text: 'outcome eq "denied" ', caret: 20 });
    expect(take('out eq "denied"', 3)).toEqual({ text: 'outcome eq "denied"', caret: 8 });
    expect(take('action eq "siem.te" and status gt 1', 18).text).toBe('action eq "siem.test" and status gt 1');
  });

  it('leads from nothing to a filter that can be read', () => {
    let text = '';
    for (const word of ['outc', 'eq', '"fail', 'and', 'actor.ty', 'ne', '"system']) {
      const completion = completionsAt(text + word, text.length + word.length);
      text = completed(text + word, completion, completion.options[0] ?? expect.fail(`nothing for ${word}`)).text;
    }
    expect(text.trim()).toBe('outcome eq "failure" and actor.type ne "system"');
    expect(() => parseFilter(text)).not.toThrow();
  });
});

describe('the pages that an event leads to', () => {
  it('are those that one may open', () => {
    expect(pageOf('user', 'usr_x', () => true)).toBe('/users/usr_x');
    expect(pageOf('user', 'usr_x', () => false)).toBeNull();
    expect(pageOf('user', null, () => true)).toBeNull();
    expect(pageOf('siem', 'sdt_x', (permission) => permission === 'siem:read')).toBe('/siem/sdt_x');
    expect(pageOf('connection', 'con_x', () => true)).toBeNull();
  });
});
