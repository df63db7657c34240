import { describe, expect, it } from 'vitest';
import { templateSpec } from '@gatehouse/core/api/templates.ts';
import { slug } from '@gatehouse/core/api/common.ts';
import { valueLines } from '../src/lib/audit/words.ts';
import { matching, score } from '../src/lib/frame/palette.ts';
import { withLinks } from '../src/lib/local/links.ts';
import { suggestSlug } from '../src/lib/public/slug.ts';
import { roleWords } from '../src/lib/session/granters.ts';
import { draftOf, EMPTY_APP, specOf } from '../src/lib/templates/spec-draft.ts';
import { ago, countdown, duration } from '../src/lib/time.ts';
import { freeName } from '../src/lib/workspaces/name.ts';
import { NOW } from './data.ts';

describe('names', () => {
  it.each(['Meridian Rail Ltd.', 'Écoles & Cie', '3 Sisters Bakery', 'A'.repeat(90)])(
    'suggests a short name that the API takes: %s',
    (name) => {
      expect(slug.safeParse(suggestSlug(name)).success).toBe(true);
    },
  );

  it('finds the next free name', () => {
    expect(freeName('api', [])).toBe('api');
    expect(freeName('api', ['api', 'api-2'])).toBe('api-3');
    expect(freeName('a'.repeat(40), ['a'.repeat(40)])).toBe(`${'a'.repeat(38)}-2`);
  });
});

describe('times', () => {
  it.each([
    [0, 'Now'],
    [60_000, '1 minute ago'],
    [3_600_000, '1 hour ago'],
  ])('says how long ago: %d ms', (gone, words) => expect(ago(NOW - gone, NOW)).toBe(words));

  it('counts down, never below nothing', () => {
    expect(countdown(NOW + 899_000, NOW)).toBe('14:59');
    expect(countdown(NOW - 5, NOW)).toBe('0:00');
  });

  it.each([
    [1, '1 second'],
    [540, '9 minutes'],
    [7200, '2 hours'],
  ])('says a duration: %d s', (seconds, words) => expect(duration(seconds)).toBe(words));
});

describe('the command palette', () => {
  it('prefers the start of the label, then of a word, then letters in order', () => {
    const entry = (label: string) => ({ id: label, label, kind: '', run: () => undefined });
    const found = matching([entry('Start again'), entry('Sign out'), entry('Audit log'), entry('My siblings')], 'si');
    expect(found.map(({ label }) => label)).toEqual(['Sign out', 'My siblings', 'Start again']);
    expect(score('Audit log', 'xyz')).toBeNull();
  });
});

describe('what an event changed', () => {
  it('shows each part of a list on its line, and nothing for what was not there', () => {
    expect(valueLines([{ role: 'use', expiresAt: null }, { role: 'view', until: '18:00' }, 'a\nb', 3])).toEqual([
      'role use',
      'role view, until 18:00',
      'a',
      'b',
      '3',
    ]);
    expect(valueLines(null)).toEqual([]);
  });
});

describe('a template’s content', () => {
  it('comes back from the form as it went in; empty rows say nothing', () => {
    const spec = templateSpec.parse({
      repository: 'https://git.example/x.git',
      environment: { A: '1' },
      apps: [{ name: 'api', port: 3000 }],
    });
    const draft = draftOf(spec);
    draft.environment.push({ name: '', value: '' });
    draft.apps.push({ ...EMPTY_APP });
    expect(specOf(draft)).toEqual(spec);
  });

  it('leaves a port that is no number to the schema', () => {
    const parsed = templateSpec.safeParse(
      specOf({ ...draftOf(templateSpec.parse({})), apps: [{ ...EMPTY_APP, name: 'api', port: 'abc' }] }),
    );
    expect(parsed.success).toBe(false);
  });
});

describe('mail of a local deployment', () => {
  it('links only what leads back here', () => {
    const parts = withLinks('Open http://localhost:1/verify#abc or https://evil.example/ now', 'http://localhost:1');
    expect(parts.filter(({ href }) => href !== null)).toEqual([
      { text: 'http://localhost:1/verify#abc', href: 'http://localhost:1/verify#abc' },
    ]);
    expect(parts.map(({ text }) => text).join('')).toBe('Open http://localhost:1/verify#abc or https://evil.example/ now');
  });
});

describe('who can grant', () => {
  it('names the roles that have it, the smallest first', () => {
    expect(roleWords('audit:read')).toBe('an auditor or an owner');
  });
});
