import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { permissionsOf, permissionWords } from '@gatehouse/core/access/permissions.ts';
import RoleAssignments from '../src/lib/components/access/RoleAssignments.svelte';
import AddMembers from '../src/lib/groups/AddMembers.svelte';
import { howWords } from '../src/lib/groups/words.ts';
import RoleForm from '../src/lib/roles/RoleForm.svelte';
import { PagedList } from '../src/lib/paged.svelte.ts';
import { session } from '../src/lib/session/session.svelte.ts';
import { dateTime } from '../src/lib/time.ts';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { id, me } from './data.ts';

beforeEach(() => session.began(me()));
afterEach(() => {
  session.ended();
  vi.unstubAllGlobals();
});

describe('how somebody is in a group', () => {
  const end = '2026-11-30T18:00:00.000Z';
  const path = (...names: string[]) => names.map((name) => ({ name }));
  it('is told in words', () => {
    expect(howWords({ direct: true, paths: [], pathEnds: [] })).toBe('Direct');
    expect(howWords({ direct: false, paths: [path('Devs', 'Web'), path('Staff')], pathEnds: [end, null] })).toBe(
      `via Devs → Web until ${dateTime(end)}, or via Staff`,
    );
    expect(howWords({ direct: true, paths: [path('Devs')], pathEnds: [null] })).toBe('Direct, and via Devs');
  });
});

describe('a list that the server searches', () => {
  it('joins its pages, and drops a page of another search than the one that is shown', async () => {
    const asked: string[] = [];
    let answer: (page: { items: string[]; nextCursor: string | null }) => void = () => undefined;
    const list = new PagedList<string>(async ({ q = '', cursor = '' }) => {
      asked.push(`${q}/${cursor}`);
      if (cursor === 'slow') return new Promise((resolve) => (answer = resolve));
      return cursor === '' ? { items: [`${q}1`], nextCursor: q === '' ? 'next' : null } : { items: ['2'], nextCursor: 'slow' };
    });
    await list.load();
    await list.more();
    expect(list.found.value).toEqual({ items: ['1', '2'], nextCursor: 'slow' });
    const late = list.more();
    list.q = ' dev ';
    await list.load();
    answer({ items: ['late'], nextCursor: null });
    await late;
    expect(list.found.value).toEqual({ items: ['dev1'], nextCursor: null });
    await list.more();
    expect(asked).toEqual(['/', '/next', '/slow', 'dev/']);
  });
});

describe('adding members', () => {
  it('takes the first found by Enter, adds all at once, and says which circle is in the way', async () => {
    const [group, devs] = [id('group'), { type: 'group', id: id('group'), name: 'Devs', email: null }];
    const sent = answerWith(({ method }) =>
      method === 'PATCH' ? problemAnswer('conflict', 'That would close a circle: Web → Devs → Web') : jsonAnswer({ items: [devs] }),
    );
    render(AddMembers, { groupId: group, onadded: () => undefined, onclose: () => undefined });
    const search = await screen.findByLabelText('Who');
    await fireEvent.input(search, { target: { value: 'dev' } });
    await screen.findByRole('button', { name: /Devs/ });
    await fireEvent.keyDown(search, { key: 'Enter' });
    await fireEvent.click(await screen.findByRole('button', { name: 'Add 1 member' }));
    expect(await screen.findByText(/Web → Devs → Web/)).toBeTruthy();
    expect(sent.mock.calls.at(-1)?.[0]).toMatchObject({
      ...{ method: 'PATCH', path: `/api/v1/groups/${group}/members`, body: { add: [{ type: 'group', id: devs.id, expiresAt: null }] } },
    });
  });
});

describe('the permissions of a role', () => {
  it('are said in plain words', () => {
    expect(permissionWords(['audit:read', 'user:read'])).toBe('see who is in the organisation; and read the audit log');
    expect(permissionWords([])).toBe('');
  });

  it('can be chosen only where one holds them, and what is chosen is said and sent', async () => {
    session.began({ ...me(), permissions: [...permissionsOf(['user-admin'])] });
    const save = vi.fn(async () => undefined);
    render(RoleForm, { words: 'Create role', save });
    const audit = screen.getByRole<HTMLInputElement>('checkbox', { name: /Read the audit log/ });
    expect(audit.disabled).toBe(true);
    await fireEvent.click(screen.getByRole('button', { name: 'All of People' }));
    expect(screen.getByText(/People with this role may/).textContent).toContain('invite people and take invitations back');
    await fireEvent.click(screen.getByRole('button', { name: 'Create role' }));
    expect(await screen.findByText(/Name must not be empty/)).toBeTruthy();
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: 'People desk' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Create role' }));
    await waitFor(() =>
      expect(save).toHaveBeenCalledWith({
        name: 'People desk',
        description: '',
        permissions: ['user:read', 'user:invite', 'user:update', 'user:delete', 'user:sign-out'],
      }),
    );
  });
});

describe('the roles of somebody', () => {
  it('name the way of what comes through groups, and only their own can be taken away', async () => {
    const subject = { type: 'user' as const, id: id('user'), name: 'Dana' };
    const assignment = (role: string, name: string, path: { id: string; name: string }[]) => ({
      ...{ id: id('roleAssignment'), role: { id: role, name, builtIn: true }, subject: { ...subject, email: null } },
      ...{ expiresAt: null, createdAt: '2026-11-20T10:00:00.000Z', createdBy: 'Ines', path, pathEndsAt: null },
    });
    const items = [assignment('auditor', 'Auditor', []), assignment('owner', 'Owner', [{ id: id('group'), name: 'Admins' }])];
    answerWith(() => jsonAnswer({ items, nextCursor: null }));
    render(RoleAssignments, { subject });
    expect(await screen.findByText(/Through Admins/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Take away Auditor from Dana' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Take away Owner from Dana' })).toBeNull();
  });
});
