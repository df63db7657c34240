import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import type { UserDetail } from '@gatehouse/core/api/directory.ts';
import type { Session } from '../src/lib/api/identity.ts';
import { Resource } from '../src/lib/resource.svelte.ts';
import { session } from '../src/lib/session/session.svelte.ts';
import SessionsOf from '../src/lib/users/SessionsOf.svelte';
import { answerWith, problemAnswer } from './api.ts';
import { id, me, NOW } from './data.ts';

const person = (standing: UserDetail['standing'] = 'yes'): UserDetail => ({
  ...{ id: id('user'), name: 'Nina Berg', email: 'nina@meridian.example', emailVerified: true, state: 'active' },
  ...{ roles: [], customRoles: [], createdAt: '2026-11-20T10:00:00.000Z', lastSeenAt: null },
  ...{ sessions: 1, workspaces: 0, tokens: 0, secondFactors: { passkeys: 0, app: false }, standing },
});
const firefox = (): Session => ({
  ...{ id: id('session'), current: false, createdAt: '2026-11-23T08:00:00.000Z', lastSeenAt: '2026-11-23T09:00:00.000Z' },
  ...{ expiresAt: '2026-11-23T20:00:00.000Z', ip: '192.0.2.9', browser: 'Firefox 140', os: 'Linux', device: 'desktop' },
  ...{ country: null, city: 'Utrecht', method: 'password' },
  read: { files: 0, terminals: 0, apps: 0, other: 0 },
});

async function show(item: Session, facts: Partial<{ person: UserDetail; onended: () => unknown }> = {}) {
  const sessions = new Resource(() => Promise.resolve({ items: [item] }));
  await sessions.load();
  render(SessionsOf, { person: person(), sessions, now: NOW, onended: vi.fn(), ...facts });
}
const end = () => screen.queryByRole('button', { name: 'End the session in Firefox 140 on Linux' });

beforeEach(() => session.began(me()));

describe('where a person is signed in', () => {
  it('is ended one by one, after a question, and the page is read again', async () => {
    const item = firefox();
    const onended = vi.fn();
    const asked = answerWith(() => new Response(null, { status: 204 }));
    await show(item, { onended });
    expect(screen.getByText(/Utrecht/)).toBeTruthy();
    await fireEvent.click(end() as HTMLElement);
    expect(asked).not.toHaveBeenCalled();
    await fireEvent.click(await screen.findByRole('button', { name: 'End session' }));
    await waitFor(() => expect(onended).toHaveBeenCalledOnce());
    expect(asked.mock.calls.map(([sent]) => `${sent.method} ${sent.path}`)).toEqual([`DELETE /api/v1/user-sessions/${item.id}`]);
  });

  it('says how much was read from workspaces in it, and of what', async () => {
    await show({ ...firefox(), read: { files: 12_000_000, terminals: 300_000, apps: 0, other: 2000 } });
    const line = screen.getByText('read 12 MB from workspaces');
    expect(line.title).toBe('12 MB of files, 300 kB of terminals, 0 B of web apps, 2.0 kB of names and all else');
    cleanup();
    await show(firefox());
    expect(screen.queryByText(/from workspaces/)).toBeNull();
  });

  it('says why it was not ended, and asks on', async () => {
    answerWith(() => problemAnswer('permission-denied', 'This person may more than you'));
    await show(firefox());
    await fireEvent.click(end() as HTMLElement);
    await fireEvent.click(await screen.findByRole('button', { name: 'End session' }));
    expect((await screen.findByRole('alert')).textContent).toContain('This person may more than you');
  });

  it('is only to be read by whoever may less than the person, or may sign nobody out', async () => {
    await show(firefox(), { person: person('mightier') });
    expect(end()).toBeNull();
    cleanup();
    session.began({ ...me(), permissions: [...permissionsOf(['auditor'])] });
    await show(firefox());
    expect(screen.getByText(/Utrecht/)).toBeTruthy();
    expect(end()).toBeNull();
  });
});
