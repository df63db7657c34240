import { describe, expect, it } from 'vitest';
import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import { SCOPES } from '@gatehouse/core/access/scopes.ts';
import { scopeGroups, scopesInWords } from '../src/lib/tokens/scopes.ts';
import { userFilterFrom } from '../src/lib/users/filter.ts';

const offered = (...given: Parameters<typeof scopeGroups>) =>
  scopeGroups(...given).flatMap(({ scopes }) => scopes.map(({ scope }) => scope));

describe('the scopes that somebody can give', () => {
  it('are every one for an owner, each once', () => {
    expect(offered([...permissionsOf(['owner'])], true).sort()).toEqual(Object.keys(SCOPES).sort());
  });

  it('are no more than a member may, and a service account’s are only those of its roles', () => {
    expect(offered([...permissionsOf([])], true)).not.toContain('audit:read');
    expect(offered([...permissionsOf([])], true)).toContain('workspace:run-own');
    expect(offered(['audit:read'], false)).toEqual(['audit:read']);
    expect(offered([], false)).toEqual([]);
  });

  it('are told in plain words', () => {
    expect(scopesInWords(['audit:read'])).toBe('Read the audit log');
    expect(scopesInWords(['audit:read', 'user:read', 'user:invite'])).toBe('Read the audit log, and 2 more');
  });
});

it('a filter in an address that nobody understands is left out', () => {
  expect(userFilterFrom(new URLSearchParams('q=nina&state=suspended&role=auditor'))).toEqual({
    q: 'nina',
    state: 'suspended',
    role: 'auditor',
  });
  expect(userFilterFrom(new URLSearchParams('q=&state=asleep&role=emperor'))).toEqual({});
});
