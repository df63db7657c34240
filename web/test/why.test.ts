import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Explanation } from '@gatehouse/core/api/access.ts';
import { hoursWords, requestState, sourceWords } from '../src/lib/access/words.ts';
import AskForAccess from '../src/lib/components/access/AskForAccess.svelte';
import Why from '../src/lib/components/access/Why.svelte';
import { PagedList } from '../src/lib/paged.svelte.ts';
import { answerWith, jsonAnswer } from './api.ts';
import { id } from './data.ts';

const explanation = (facts: Partial<Explanation> = {}): Explanation => ({
  ...{ template: { id: id('template'), name: 'payments' }, user: { id: id('user'), name: 'Yuki Sato', active: true } },
  ...{ role: null, paths: [], ended: [], truncated: false, until: null, requestId: null },
  ask: { people: [{ id: id('user'), name: 'Helen Ruiz' }], more: 2 },
  ...facts,
});

describe('why', () => {
  it('says the verdict and each way, group by group', () => {
    render(Why, {
      explanation: explanation({
        role: 'use',
        paths: [
          {
            ...{ role: 'use', expiresAt: null, by: { kind: 'entry', subject: 'group', grantId: null } },
            groups: [
              { id: id('group'), name: 'Night rota', expiresAt: null },
              { id: id('group'), name: 'Payments', expiresAt: null },
            ],
          },
        ],
      }),
    });
    expect(screen.getByText(/can use payments/)).toBeTruthy();
    expect(screen.getByRole('listitem').textContent?.replace(/\s+/g, ' ')).toMatch(/Yuki.*Night rota.*Payments.*use.*No end/);
  });

  it('says what is missing and who can give it', () => {
    render(Why, { explanation: explanation(), own: true });
    expect(screen.getByText(/can neither see nor use payments/)).toBeTruthy();
    expect(screen.getByText('Helen Ruiz or 2 more')).toBeTruthy();
  });

  it('names what gives a role at the end of a way', () => {
    const by = (subject: 'user' | 'everyone', grantId: string | null = null) => ({ kind: 'entry' as const, subject, grantId });
    expect(sourceWords({ groups: [], by: by('everyone') })).toBe('Everyone');
    expect(sourceWords({ groups: [], by: by('user') })).toBe('own entry');
    expect(sourceWords({ groups: [], by: by('user', id('accessRequest')) })).toBe('approved request');
    expect(sourceWords({ groups: [], by: { kind: 'role', role: 'owner', name: 'Owner', assignmentId: 'x' } })).toBe('role Owner');
  });
});

describe('asking for access', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('needs a reason, offers usual times, and sends hours', async () => {
    const sent = answerWith(({ method }) => (method === 'POST' ? jsonAnswer({}, 500) : jsonAnswer(explanation({ role: 'view' }))));
    render(AskForAccess, { template: { id: id('template'), name: 'payments' }, onclose: () => undefined });
    await fireEvent.click(await screen.findByRole('button', { name: 'Ask for 8 hours' }));
    expect(await screen.findByText('What for must not be empty')).toBeTruthy();
    await fireEvent.input(screen.getByLabelText('What for'), { target: { value: 'On call' } });
    await fireEvent.change(screen.getByLabelText('For how long'), { target: { value: '168' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Ask for 7 days' }));
    await vi.waitFor(() => expect(sent.mock.calls.at(-1)?.[0]).toMatchObject({ method: 'POST', body: { hours: 168, reason: 'On call' } }));
  });

  it('counts in days where they are whole', () => {
    expect([1, 8, 24, 36, 720].map(hoursWords)).toEqual(['1 hour', '8 hours', '1 day', '36 hours', '30 days']);
  });

  it('tells an approved request whose grant has ended from one in force', () => {
    expect(requestState({ state: 'approved', inForce: true }).word).toBe('Approved');
    expect(requestState({ state: 'approved', inForce: false }).word).toBe('Ended');
  });
});

describe('a list in pages', () => {
  it('reads on over pages that are empty, and to the end', async () => {
    const pages: Record<string, { items: number[]; nextCursor: string | null }> = {
      '': { items: [], nextCursor: 'a' },
      a: { items: [], nextCursor: 'b' },
      b: { items: [1], nextCursor: 'c' },
      c: { items: [2], nextCursor: null },
    };
    const list = new PagedList(({ cursor }) => Promise.resolve(pages[cursor ?? ''] ?? { items: [], nextCursor: null }));
    await list.load();
    expect([list.items, list.nextCursor]).toEqual([[1], 'c']);
    await list.more();
    expect([list.items, list.nextCursor]).toEqual([[1, 2], null]);
  });
});
