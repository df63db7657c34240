import { afterEach, expect, it, vi } from 'vitest';
import type { Me } from '@gatehouse/core/api/identity.ts';
import { heardDate } from '#lib/api/server-clock.ts';
import { session } from '#lib/session/session.svelte.ts';
import { confirmation } from './confirmation.svelte.ts';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const MINUTE = 60_000;

/** Somebody who showed who they are that many minutes ago, by the service's time; this device's clock is wrong by as many. */
function shown(minutesAgo: number, wrongBy: number): void {
  vi.useFakeTimers({ now: NOW + wrongBy * MINUTE });
  heardDate(new Date(NOW).toUTCString());
  const authenticatedAt = new Date(NOW - minutesAgo * MINUTE).toISOString();
  session.began({ tenant: { slug: 'harbour' }, session: { hasKey: true, authenticatedAt } } as unknown as Me);
}

afterEach(() => {
  vi.useRealTimers();
  heardDate(new Date().toUTCString());
  session.ended();
});

it.each([0, 30, -30])('asks nobody who has just shown who they are, on a clock that is wrong by %i minutes', async (wrongBy) => {
  shown(1, wrongBy);
  expect(await confirmation.ensure()).toBe(true);
  expect(confirmation.waiting).toBeNull();
});

it.each([0, 30, -30])('asks whoever did so long ago, on a clock that is wrong by %i minutes', async (wrongBy) => {
  shown(7, wrongBy);
  const asked = confirmation.ensure();
  expect(confirmation.waiting).not.toBeNull();
  confirmation.answer(true);
  expect(await asked).toBe(true);
});
