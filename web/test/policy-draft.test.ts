import { describe, expect, it } from 'vitest';
import type { PolicyShown } from '@gatehouse/core/api/policy.ts';
import { DEFAULT_POLICY } from '@gatehouse/core/access/policy-in-force.ts';
import { policyWords } from '#lib/policy/in-force-words.ts';
import { policySummary } from '#lib/policy/in-force.ts';
import { PolicyDraft } from '#lib/policy/policy-draft.svelte.ts';

const shown = (levels: Partial<PolicyShown['levels']>): PolicyShown => ({
  levels: { deployment: {}, tenant: {}, template: {}, ...levels },
  fields: [],
  unavailable: [],
  people: null,
  runners: { total: 1, reported: 1 },
});

describe('a policy while it is edited', () => {
  it('shows what would be in force, and whose value that is', () => {
    const draft = new PolicyDraft('tenant', shown({ deployment: { upload: 50 }, tenant: { idleTimeout: 60 } }));
    expect(draft.changes).toEqual([]);
    draft.texts.upload = '20';
    expect(draft.merged.upload).toMatchObject({ value: 20, source: 'tenant' });
    expect(draft.changes).toMatchObject([{ field: 'upload', before: { value: 50, source: 'deployment' }, after: { value: 20 } }]);
    expect(draft.values).toEqual({ idleTimeout: 60, upload: 20 });
  });

  it('says where a stricter level overrules what is typed', () => {
    const draft = new PolicyDraft('template', shown({ tenant: { download: 5 } }));
    draft.texts.download = '40';
    expect(draft.merged.download).toMatchObject({ value: 5, source: 'tenant', overruled: [{ level: 'template', value: 40 }] });
  });

  it('names what is wrong, leaves it out of the preview, and can’t be saved until it is mended', () => {
    const draft = new PolicyDraft('tenant', shown({}));
    draft.texts.sessionLimit = '9000';
    draft.texts.allowedNetworks = '10.0.0.0/8\nsomewhere';
    draft.texts.upload = 'much';
    expect(Object.keys(draft.errors).sort()).toEqual(['allowedNetworks', 'sessionLimit', 'upload']);
    expect(draft.errors.sessionLimit).toBe('must be at most 720');
    expect(draft.isValid()).toBe(false);
    expect(draft.values).toEqual({});
    draft.discard();
    expect([draft.isValid(), draft.changes]).toEqual([true, []]);
  });

  it('takes networks between lines, commas or spaces, and undoes one field by itself', () => {
    const draft = new PolicyDraft('tenant', shown({ tenant: { watermark: 'on' } }));
    draft.texts.allowedNetworks = '10.20.1.9/14, 192.0.2.7';
    draft.texts.watermark = '';
    expect(draft.values).toEqual({ allowedNetworks: ['10.20.0.0/14', '192.0.2.7/32'] });
    draft.undo('watermark');
    expect(draft.edited).toEqual(['allowedNetworks']);
  });
});

describe('the policy in the status bar', () => {
  it('is a few words, and all of it on demand', () => {
    expect(policySummary(DEFAULT_POLICY)).toBe('Browser-only');
    expect(policySummary({ ...DEFAULT_POLICY, browserOnly: 'off', upload: 5, watermark: 'on' })).toBe('Not browser-only and 2 more');
    expect(policyWords({ ...DEFAULT_POLICY, upload: 5 })).toContain('Upload: Up to 5 MB');
  });
});
