import { render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { WorkspaceAccess } from '@gatehouse/core/api/access.ts';
import type { ErrorCode } from '@gatehouse/core/errors.ts';
import { answerWith, jsonAnswer, problemAnswer } from '../../../../test/api.ts';
import { id, me, workspace } from '../../../../test/data.ts';
import InIde from '../../../../test/InIde.svelte';
import AccessEnded from './AccessEnded.svelte';

const explanation = (allowed: boolean): WorkspaceAccess => ({
  ...{
    template: { id: id('template'), name: 'shell' },
    user: { id: me().user.id, name: 'Yuki Sato', active: true },
    role: null,
    paths: [],
  },
  ...{ ended: [], truncated: false, until: null, requestId: null, needed: 'use', allowed, ask: { people: [], more: 0 } },
  taken: { cause: 'The members of group Deck changed', at: '2026-03-01T12:00:00.000Z' },
});
const answer = (access: () => Response) => answerWith(({ path }) => (path.endsWith('/access') ? access() : jsonAnswer(workspace())));

beforeEach(() => void vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => vi.useRealTimers());
const show = () =>
  render(InIde, {
    ...{ part: AccessEnded as never, ide: { start: () => undefined } },
    ...{ title: 'Your access was taken away', detail: 'It was closed.', workspaceId: 'wsp_1' },
  });

it.each([
  ['not-signed-in', 'You are signed out', 'Sign in', '/signin?next=%2Fw%2Fwsp_1'],
  ['second-factor-required', 'Your organisation requires two factors', 'Set it up', '/second-factor?next=%2Fw%2Fwsp_1'],
] as const)(
  'whoever is asked for more than access (%s) is told so, and led there and back',
  async (code: ErrorCode, title, button, href) => {
    answer(() => problemAnswer(code, 'No'));
    show();
    await screen.findByRole('heading', { name: title });
    expect(screen.getByText(button).closest('a')?.getAttribute('href')).toBe(href);
    expect(screen.queryByText('Delete it…')).toBeNull();
  },
);

it('says that it was given back to who waits, and that it was taken again', async () => {
  answer(() => jsonAnswer(explanation(false)));
  show();
  await screen.findByText(/The members of group Deck changed/);
  answer(() => jsonAnswer(explanation(true)));
  await vi.advanceTimersByTimeAsync(10_000);
  await screen.findByRole('heading', { name: 'You may open it again' });
  screen.getByRole('button', { name: 'Open it' });
  answer(() => jsonAnswer(explanation(false)));
  await vi.advanceTimersByTimeAsync(10_000);
  await screen.findByRole('heading', { name: 'Your access was taken away' });
});
