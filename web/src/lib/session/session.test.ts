import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Me } from '@gatehouse/core/api/identity.ts';
import { answerWith, jsonAnswer, problemAnswer } from '../../../test/api.ts';
import { me } from '../../../test/data.ts';
import { session } from './session.svelte.ts';

const allowed = (permissions: Me['permissions']): Me => ({ ...me(), permissions });

beforeEach(() => session.began(allowed(['user:read'])));
afterEach(() => session.ended());

it('follows what somebody is given while they look', async () => {
  answerWith(() => jsonAnswer(allowed(['user:read', 'audit:read'])));
  await session.look();
  expect(session.can('audit:read')).toBe(true);
});

it('stays the very same where nothing changed, so that nothing that depends on it is read again', async () => {
  const before = session.me;
  const same = { ...before };
  answerWith(() => jsonAnswer(same));
  await session.look();
  expect(session.me).toBe(before);
});

it('stands while nobody answers; what ends it leads away by itself', async () => {
  answerWith(() => problemAnswer('unavailable', 'No connection'));
  await session.look();
  answerWith(() => problemAnswer('not-signed-in', 'Sign in'));
  await session.look();
  expect(session.can('user:read')).toBe(true);
});
