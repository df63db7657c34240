import { fireEvent, render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { AclDraft, changeOf, type AclRow as Row } from '../src/lib/templates/acl-draft.svelte.ts';
import AclRow from '../src/lib/templates/AclRow.svelte';
import SavePanel from '../src/lib/templates/SavePanel.svelte';
import { ApiProblem } from '../src/lib/api/problem.ts';
import { id, NOW } from './data.ts';

const LATER = '2026-11-30T18:00:00.000Z';

function draftOfThree() {
  const ines = { type: 'user' as const, id: id('user') };
  const yuki = { type: 'user' as const, id: id('user') };
  return new AclDraft({
    items: [
      { subject: ines, name: 'Ines', role: 'admin', expiresAt: null },
      { subject: yuki, name: 'Yuki', role: 'use', expiresAt: LATER },
      { subject: { type: 'everyone' }, name: 'Everyone', role: 'view', expiresAt: null },
    ],
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
    expect(draft.items.at(-1)).toEqual({ subject: { type: 'everyone' }, role: 'use', expiresAt: null });
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

describe('what saving does', () => {
  const panel = (draft: AclDraft, problem: ApiProblem | null = null) =>
    render(SavePanel, { draft, busy: false, problem, save: () => undefined, reload: () => undefined });

  it('is red only when something is taken away, and says from how many', () => {
    const draft = draftOfThree();
    draft.remove(row(draft, 'Yuki'));
    panel(draft);
    expect(screen.getByRole('button', { name: 'Save and take from 1' }).className).toContain('danger');
  });

  it('offers the new list, and no saving, when somebody else was faster', () => {
    const draft = draftOfThree();
    row(draft, 'Yuki').role = 'admin';
    panel(draft, new ApiProblem('stale-version', 'Somebody saved other entries.'));
    expect(screen.getByRole('button', { name: 'Read the new list' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Save/ })).toBeNull();
  });
});
