import type { PolicyShown } from '@gatehouse/core/api/policy.ts';
import { describe, expect, it } from 'vitest';
import { PolicyDraft } from './policy-draft.svelte.ts';

const shown = (tenant: PolicyShown['levels']['tenant']): PolicyShown => ({
  levels: { deployment: {}, tenant, template: {} },
  ...{ fields: [], unavailable: [], people: null, runners: { total: 0, reported: 0 } },
});
const draftOf = (tenant: PolicyShown['levels']['tenant']) => new PolicyDraft('tenant', shown(tenant));

describe('the policy as it is edited', () => {
  const git = { fetch: ['https://g.example/a/*', 'https://g.example/b'], push: ['https://g.example/b'] };

  it('shows repositories a line each, with what may be pushed to, and reads them back', () => {
    const draft = draftOf({ git });
    expect(draft.texts.git).toBe('https://g.example/a/*\npush https://g.example/b');
    expect(draft.values).toEqual({ git });
    expect(draft.changes).toEqual([]);
    draft.texts.git = 'fetch https://g.example/a.git\n\npush  https://G.example/b/';
    expect(draft.values.git).toEqual({ fetch: ['https://g.example/a', 'https://g.example/b'], push: ['https://g.example/b'] });
  });

  it('keeps a list that is set and empty apart from one that is not set', () => {
    const draft = draftOf({ egressHosts: [], git: { fetch: [], push: [] } });
    expect([draft.texts.egressHosts, draft.texts.git]).toEqual(['none', 'none']);
    expect(draft.values).toEqual({ egressHosts: [], git: { fetch: [], push: [] } });
    draft.texts.egressHosts = '';
    expect(draft.values).toEqual({ git: { fetch: [], push: [] } });
  });

  it('says of a host what is wrong with it', () => {
    const draft = draftOf({});
    draft.texts.egressHosts = 'registry.npmjs.org, 10.0.0.1';
    expect(draft.errors.egressHosts).toContain('must be a host');
    draft.texts.egressHosts = 'registry.npmjs.org *.pypi.org';
    expect(draft.values.egressHosts).toEqual(['*.pypi.org', 'registry.npmjs.org']);
  });
});
