import { describe, expect, test, vi } from 'vitest';
import { sweepRevocations } from '../../../worker/access/sweep.ts';
import { authenticate } from '../../../worker/identity/authenticate.ts';
import { endSession } from '../../../worker/identity/sessions.ts';
import { isOpen, openRows, tasksOf } from '../../support/revocations.ts';
import { join, makePair, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addSession, api, PASSWORD, requestFrom, services } from '../../support/tenants.ts';

// Each test makes a whole organisation with sockets; some hash.
vi.setConfig({ testTimeout: 20_000 });

type Session = Awaited<ReturnType<typeof addSession>>;

/** A person who is connected from two sessions. */
async function twoSessions() {
  const site = await makeSite();
  const running = await makeRunning(site);
  const second = await addSession(site.tenant, site.dev.id);
  return { site, running, second, first: await join(site.dev, running.id), other: await join(second, running.id) };
}

const ENDINGS: Array<[string, string, (site: Site, ended: Session, kept: Session) => Promise<unknown>]> = [
  ['signing out', 'The session ended', (_site, ended) => api(ended).post('/logout')],
  ['ending it from another', 'The session ended', (_site, ended, kept) => api(kept).delete(`/me/sessions/${ended.sessionId}`)],
  ['ending all others', 'The session ended', (_site, _ended, kept) => api(kept).delete('/me/sessions?keep=current')],
  [
    'an administrator',
    'An administrator ended the session',
    ({ tenant }, ended) => api(tenant.owner).delete(`/user-sessions/${ended.sessionId}`),
  ],
  [
    'a new password',
    'The password was changed',
    (_site, _ended, kept) => api(kept).post('/me/password', { current: PASSWORD, password: 'another one for the gate 9', endOthers: true }),
  ],
];

describe('a session that is ended', () => {
  test.each(ENDINGS)('by %s closes what it held open, says why, and leaves the person’s other session alone', async (_how, reason, end) => {
    const { site, second, first, other } = await twoSessions();
    await end(site, second, site.dev);
    expect(await other.viewer.closed).toEqual({ code: 4403, reason });
    expect(isOpen(first.viewer)).toBe(true);
    await expect.poll(() => tasksOf(site.tenant)).toEqual([]);
    expect((await openRows(site.tenant)).map(({ id }) => id)).toEqual([first.connectionId]);
  });

  test('everywhere closes all of them', async () => {
    const { site, first, other } = await twoSessions();
    await api(site.dev).delete('/me/sessions');
    expect((await first.viewer.closed).code).toBe(4403);
    expect((await other.viewer.closed).code).toBe(4403);
    await expect.poll(() => tasksOf(site.tenant)).toEqual([]);
  });

  test('is kept as a task with the change: what crashes between the two is done by the sweep', async () => {
    const { site, viewer } = await makePair();
    const ended = await addSession(site.tenant, site.dev.id);
    const revocation = { ...services().revocation, run: () => Promise.reject(new Error('the machine is gone')) };
    const ctx = await authenticate({ ...services(), revocation }, requestFrom(), ended.cookie);
    await endSession(ctx, site.dev.sessionId);
    expect(await tasksOf(site.tenant)).toHaveLength(1);
    expect(isOpen(viewer)).toBe(true);
    const later = () => new Date(Date.now() + 60_000);
    await sweepRevocations({ ...services(), now: later });
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'The session ended' });
    expect(await tasksOf(site.tenant)).toEqual([]);
  });
});
