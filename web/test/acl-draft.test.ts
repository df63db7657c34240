import { fireEvent, render, screen } from '@testing-library/svelte';
import type { Preview } from '@gatehouse/core/api/access.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AclDraft, changeOf, type AclRow as Row } from '../src/lib/templates/acl-draft.svelte.ts';
import AclRow from '../src/lib/templates/AclRow.svelte';
import SavePanel from '../src/lib/templates/SavePanel.svelte';
import { ApiProblem } from '../src/lib/api/problem.ts';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { id, NOW } from './data.ts';

const LATER = '2026-11-30T18:00:00.000Z';

function draftOfThree() {
  const more = { grantId: null, people: 1, givenBy: 'Ines' };
  const ines = { type: 'user' as const, id: id('user') };
  const yuki = { type: 'user' as const, id: id('user') };
  return new AclDraft({
    items: [
      { subject: ines, name: 'Ines', role: 'admin', expiresAt: null, ...more },
      { subject: yuki, name: 'Yuki', role: 'use', expiresAt: LATER, ...more },
      { subject: { type: 'everyone' }, name: 'Everyone', role: 'view', expiresAt: null, ...more },
    ],
    reach: { view: 3, use: 2, admin: 1 },
  });
}

function row(draft: AclDraft, name: string): Row {
  const found = draft.rows.find((item) => item.name === name);
  if (found === undefined) throw new Error(`no row ${name}`);
  return found;
}

describe('the draft of an access list', () => {
  it('has no changes at first, and sends what it was given', () => {
    const draft = draftOfThree();
    expect(draft.changes).toEqual([]);
    expect(draft.items.map(({ role }) => role)).toEqual(['admin', 'use', 'view']);
  });

  it('tells new, changed and removed entries apart, and undoes each by itself', () => {
    const draft = draftOfThree();
    draft.add({ type: 'user', id: id('user') }, 'Lena', 'use', LATER);
    row(draft, 'Yuki').role = 'view';
    draft.remove(row(draft, 'Everyone'));
    expect(draft.changes.map((item) => [item.name, changeOf(item)])).toEqual([
      ['Yuki', 'changed'],
      ['Everyone', 'gone'],
      ['Lena', 'new'],
    ]);
    draft.undo(row(draft, 'Yuki'));
    expect(row(draft, 'Yuki')).toMatchObject({ role: 'use', expiresAt: LATER });
    draft.undo(row(draft, 'Lena'));
    expect(draft.rows.map(({ name }) => name)).toEqual(['Ines', 'Yuki', 'Everyone']);
    draft.undo(row(draft, 'Everyone'));
    expect(draft.changes).toEqual([]);
  });

  it('changes the entry of somebody who has one, instead of naming them twice', () => {
    const draft = draftOfThree();
    draft.remove(row(draft, 'Everyone'));
    draft.add({ type: 'everyone' }, 'Everyone', 'use', null);
    expect(draft.rows).toHaveLength(3);
    expect(changeOf(row(draft, 'Everyone'))).toBe('changed');
    expect(draft.items.at(-1)).toEqual({ subject: { type: 'everyone' }, role: 'use', expiresAt: null, grantId: null });
  });

  it('counts as a loss what is removed, made smaller or ended earlier', () => {
    const draft = draftOfThree();
    row(draft, 'Ines').expiresAt = LATER;
    row(draft, 'Yuki').role = 'admin';
    draft.remove(row(draft, 'Everyone'));
    expect(draft.losses.map(({ name }) => name)).toEqual(['Ines', 'Everyone']);
    draft.discard();
    expect(draft.losses).toEqual([]);
  });
});

describe('a row of the list', () => {
  it('offers removal, then Undo', async () => {
    const draft = draftOfThree();
    render(AclRow, { row: row(draft, 'Yuki'), draft, now: NOW, editable: true });
    await fireEvent.click(screen.getByRole('button', { name: 'Remove the entry of Yuki' }));
    expect(screen.getByText('removed, not saved')).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'Undo the change of Yuki' }));
    expect(screen.queryByText('removed, not saved')).toBeNull();
    expect(draft.changes).toEqual([]);
  });
});

const nothing = { people: 0, total: 0, items: [] };
const YUKI_LOSES: Preview = {
  gains: nothing,
  losses: {
    people: 1,
    total: 1,
    items: [{ user: { id: id('user'), name: 'Yuki' }, template: { id: id('template'), name: 'payments' }, before: 'use', after: null }],
  },
  permissions: { total: 0, items: [] },
  sessions: { total: 2, items: [{ user: { id: id('user'), name: 'Yuki' }, workspace: { id: id('workspace'), name: 'fees-api' } }] },
  complete: true,
};

describe('what saving does', () => {
  const panel = (draft: AclDraft, problem: ApiProblem | null = null) =>
    render(SavePanel, { templateId: id('template'), draft, busy: false, problem, save: () => undefined, reload: () => undefined });
  afterEach(() => vi.unstubAllGlobals());

  it('is red when something is taken away, and says whose and how many sessions end', async () => {
    const sent = answerWith(() => jsonAnswer(YUKI_LOSES));
    const draft = draftOfThree();
    draft.remove(row(draft, 'Yuki'));
    panel(draft);
    expect((await screen.findByRole('button', { name: 'Save and end 2 sessions' })).className).toContain('danger');
    expect(screen.getByText('person loses “use”')).toBeTruthy();
    expect(screen.getByText('fees-api')).toBeTruthy();
    expect(sent.mock.calls[0]?.[0]).toMatchObject({ method: 'POST', path: '/api/v1/access/preview', body: { kind: 'template-acl' } });
  });

  it('is not red when nobody loses anything by it', async () => {
    answerWith(() => jsonAnswer({ ...YUKI_LOSES, losses: nothing, sessions: { total: 0, items: [] } }));
    const draft = draftOfThree();
    draft.remove(row(draft, 'Yuki'));
    panel(draft);
    expect(await screen.findByText('Nobody gains or loses anything by it right now.')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Save' }).className).toContain('primary');
  });

  it('can be saved although nobody knows what would change', async () => {
    answerWith(() => problemAnswer('unavailable', 'Not now.'));
    const draft = draftOfThree();
    draft.remove(row(draft, 'Yuki'));
    panel(draft);
    expect(await screen.findByText(/What would change can’t be said now/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Save and take from 1 entry' })).toBeTruthy();
  });

  it('offers the new list, and no saving, when somebody else was faster', () => {
    answerWith(() => jsonAnswer(YUKI_LOSES));
    const draft = draftOfThree();
    row(draft, 'Yuki').role = 'admin';
    panel(draft, new ApiProblem('stale-version', 'Somebody saved other entries.'));
    expect(screen.getByRole('button', { name: 'Read the new list' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Save/ })).toBeNull();
  });
});
