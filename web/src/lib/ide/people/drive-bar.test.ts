import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import { fireEvent, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import DriveBar from './DriveBar.svelte';
import { People } from './people.svelte.ts';

const PRIYA = { viewer: 7, userId: 'usr_1', name: 'Priya', access: 'own', asks: false } as const;
const TOMASZ = { viewer: 8, userId: 'usr_2', name: 'Tomasz', access: 'join', asks: false } as const;
const here = (driver: string, asks = false): Presence => ({ kind: 'presence', driver, viewers: [PRIYA, { ...TOMASZ, asks }] });

let bench: Bench;
beforeEach(async () => {
  bench = new Bench();
  await bench.connect();
});

/** The bar as this person sees it. */
function shown(me: string, presence: Presence): People {
  const people = new People(bench.connection, me, { changed: () => undefined, news: () => undefined, failed: () => undefined });
  people.update(presence);
  render(DriveBar, { people });
  return people;
}
const bar = () => screen.queryByRole('status')?.textContent ?? null;

describe('the bar about driving', () => {
  it('is not there for whoever drives', () => {
    shown('usr_1', here('usr_1'));
    expect(bar()).toBeNull();
  });

  it('P2: says who drives, and lets a watcher ask and withdraw', async () => {
    const people = shown('usr_2', here('usr_1'));
    expect(bar()).toContain('Priya drives. You are watching.');
    await fireEvent.click(screen.getByRole('button', { name: 'Ask to drive' }));
    expect(bench.runner.link.opened('drive.ask').map(({ request }) => request.asks)).toEqual([true]);
    flushSync(() => people.update(here('usr_1', true)));
    expect(bar()).toContain('You asked to drive.');
    await fireEvent.click(screen.getByRole('button', { name: 'Withdraw' }));
    expect(bench.runner.link.opened('drive.ask').map(({ request }) => request.asks)).toEqual([true, false]);
  });

  it('P3: lets the owner take back', async () => {
    shown('usr_1', here('usr_2'));
    await fireEvent.click(screen.getByRole('button', { name: 'Take back' }));
    expect(bench.runner.link.opened('drive.take')).toHaveLength(1);
  });

  it('P3: offers to hand over to whoever asks, or not now', async () => {
    shown('usr_1', here('usr_1', true));
    expect(bar()).toContain('Tomasz asks to drive.');
    await fireEvent.click(screen.getByRole('button', { name: 'Hand over' }));
    expect(bench.runner.link.opened('drive.give').map(({ request }) => request.viewer)).toEqual([8]);
    await fireEvent.click(screen.getByRole('button', { name: 'Not now' }));
    expect(bar()).toBeNull();
  });
});
