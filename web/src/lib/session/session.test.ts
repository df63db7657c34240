import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Me } from '@gatehouse/core/api/identity.ts';
import { ApiProblem } from '#lib/api/problem.ts';
import * as identity from '#lib/api/identity.ts';
import { session } from './session.svelte.ts';

vi.mock('#lib/api/identity.ts', () => ({ current: vi.fn(), bindKey: vi.fn() }));
const answers = vi.mocked(identity.current);

const me = (permissions: Me['permissions']) => ({ tenant: { slug: 'harbour' }, permissions, session: { hasKey: true } }) as unknown as Me;

beforeEach(() => session.began(me(['user:read'])));
afterEach(() => session.ended());

it('follows what somebody is given while they look', async () => {
  answers.mockResolvedValue(me(['user:read', 'audit:read']));
  await session.look();
  expect(session.can('audit:read')).toBe(true);
});

it('stays the very same where nothing changed, so that nothing that depends on it is read again', async () => {
  const before = session.me;
  answers.mockResolvedValue(me(['user:read']));
  await session.look();
  expect(session.me).toBe(before);
});

it('stands while nobody answers; what ends it leads away by itself', async () => {
  answers.mockRejectedValue(new ApiProblem('unavailable', 'No connection'));
  await session.look();
  answers.mockResolvedValue(null);
  await session.look();
  expect(session.can('user:read')).toBe(true);
});
