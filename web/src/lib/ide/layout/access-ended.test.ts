import { render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { WorkspaceAccess } from '@gatehouse/core/api/access.ts';
import * as access from '#lib/api/access.ts';
import { ApiProblem } from '#lib/api/problem.ts';
import AccessEnded from './AccessEnded.svelte';

vi.mock('#lib/api/access.ts', () => ({ explainWorkspace: vi.fn() }));
vi.mock('#lib/api/workspaces.ts', () => ({ get: vi.fn(() => Promise.resolve({ mine: true, name: 'box', desired: 'running' })) }));
vi.mock('../context.ts', () => ({ ideOf: () => ({ start: () => undefined }) }));
const explained = vi.mocked(access.explainWorkspace);

const explanation = (allowed: boolean) =>
  ({
    ...{ template: { id: 'tpl_1', name: 'shell' }, role: null, paths: [], ended: [], requestId: null, needed: 'use', allowed },
    ...{ ask: { people: [], more: 0 }, taken: { cause: 'The members of group Deck changed', at: '2026-03-01T12:00:00.000Z' } },
  }) as unknown as WorkspaceAccess;

beforeEach(() => void vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => vi.useRealTimers());
const show = () => render(AccessEnded, { title: 'Your access was taken away', detail: 'It was closed.', workspaceId: 'wsp_1' });

it.each([
  ['not-signed-in', 'You are signed out', 'Sign in', '/signin?next=%2Fw%2Fwsp_1'],
  ['second-factor-required', 'Your organisation requires two factors', 'Set it up', '/second-factor?next=%2Fw%2Fwsp_1'],
] as const)('whoever is asked for more than access (%s) is told so, and led there and back', async (code, title, button, href) => {
  explained.mockRejectedValue(new ApiProblem(code, 'No'));
  show();
  await screen.findByRole('heading', { name: title });
  expect(screen.getByText(button).closest('a')?.getAttribute('href')).toBe(href);
  expect(screen.queryByText('Delete it…')).toBeNull();
});

it('says that it was given back to who waits, and that it was taken again', async () => {
  explained.mockResolvedValue(explanation(false));
  show();
  await screen.findByText(/The members of group Deck changed/);
  explained.mockResolvedValue(explanation(true));
  await vi.advanceTimersByTimeAsync(10_000);
  await screen.findByRole('heading', { name: 'You may open it again' });
  screen.getByRole('button', { name: 'Open it' });
  explained.mockResolvedValue(explanation(false));
  await vi.advanceTimersByTimeAsync(10_000);
  await screen.findByRole('heading', { name: 'Your access was taken away' });
});
