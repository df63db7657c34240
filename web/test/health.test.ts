import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkspaceHealth } from '@gatehouse/core/api/workspace-health.ts';
import { templateSpec } from '@gatehouse/core/api/templates.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import { sessionEvents } from '../src/lib/api/client.ts';
import StopBar from '../src/lib/ide/layout/StopBar.svelte';
import { commands } from '../src/lib/keys/commands.svelte.ts';
import UsageList from '../src/lib/runners/UsageList.svelte';
import { draftOf, specOf } from '../src/lib/templates/spec-draft.ts';
import Health from '../src/lib/workspaces/Health.svelte';
import { HealthBoard } from '../src/lib/workspaces/health.svelte.ts';
import { cpuWords, figuresOf, sizeWords, warningsOf } from '../src/lib/workspaces/health-words.ts';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { id, NOW } from './data.ts';
import ScheduleHarness from './ScheduleHarness.svelte';

const GB = 2 ** 30;
const usage = (other: Partial<WorkspaceUsage> = {}): WorkspaceUsage => ({
  cpu: { used: 0.68, most: 2 },
  memory: { used: 1.2 * GB, most: 4 * GB },
  disk: { used: 3 * GB, most: 10 * GB },
  processes: { used: 12, most: 4096 },
  trouble: null,
  working: false,
  ...other,
});
const inMinutes = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
const health = (other: Partial<WorkspaceHealth> = {}): WorkspaceHealth => ({
  ...{ id: id('workspace'), usage: usage(), stop: null, mine: true },
  ...other,
});

describe('what a workspace uses, in words', () => {
  it.each<[WorkspaceUsage['memory'], string]>([
    [{ used: 1.2 * GB, most: 4 * GB }, '1.2 of 4 GB'],
    [{ used: GB / 2, most: 4 * GB }, '512 MB of 4 GB'],
    [{ used: 1.2 * GB, most: null }, '1.2 GB'],
    [{ used: 900, most: null }, '0.9 kB'],
    [{ used: null, most: 4 * GB }, 'unknown'],
  ])('sizes: %j', (size, words) => expect(sizeWords(size)).toBe(words));

  it.each<[WorkspaceUsage['cpu'], string]>([
    [{ used: 0.68, most: 2 }, '34 %'],
    [{ used: 2, most: 2 }, '100 %'],
    [{ used: 0.25, most: null }, '25 % of one'],
    [{ used: 1.5, most: null }, '1.5 in use'],
    [{ used: null, most: 2 }, 'unknown'],
  ])('processors: %j', (cpu, words) => expect(cpuWords(cpu)).toBe(words));

  it.each<[string, Partial<WorkspaceUsage>, string[], string[]]>([
    ['all is well', {}, ['ok', 'ok', 'ok'], []],
    ['busy processors are no reason to worry', { cpu: { used: 2, most: 2 } }, ['ok', 'ok', 'ok'], []],
    [
      'from 80 %',
      { disk: { used: 8 * GB, most: 10 * GB } },
      ['ok', 'ok', 'near'],
      ['The disk is getting full: 8 of 10 GB. Delete files or ask for more.'],
    ],
    [
      'from 95 %',
      { disk: { used: 9.6 * GB, most: 10 * GB } },
      ['ok', 'ok', 'full'],
      ['The disk is nearly full: 9.6 of 10 GB. Delete files or ask for more.'],
    ],
    ['without a bound nothing is near it', { memory: { used: 90 * GB, most: null } }, ['ok', 'ok', 'ok'], []],
    [
      'what it ran into',
      { trouble: 'the workspace used more than its 4 GB of memory', processes: { used: 4000, most: 4096 } },
      ['ok', 'ok', 'ok'],
      ['Nearly as many processes run as may: 4000 of 4096. End some.', 'The workspace used more than its 4 GB of memory.'],
    ],
  ])('%s', (_, other, levels, warnings) => {
    expect(figuresOf(usage(other)).map(({ level }) => level)).toEqual(levels);
    expect(warningsOf(usage(other))).toEqual(warnings);
  });
});

describe('the row of a workspace', () => {
  const row = (facts: WorkspaceHealth, keep = vi.fn()) => {
    const { container } = render(Health, { name: 'box', health: facts, now: NOW, busy: false, keep });
    return { text: () => container.textContent?.replaceAll(/\s+/g, ' ').trim(), keep };
  };

  it('shows its figures, and says when they are not known', () => {
    expect(row(health()).text()).toBe('CPU 34 %Memory 1.2 of 4 GBDisk 3 of 10 GB');
    expect(row(health({ usage: null })).text()).toBe('Use not known');
  });

  it('says that it stops soon and why, and lets its owner keep it', async () => {
    const { text, keep } = row(health({ stop: { at: inMinutes(12), why: 'idle', left: null } }));
    expect(text()).toContain('Stops in 12 min: nobody is connected');
    await fireEvent.click(screen.getByRole('button', { name: 'Keep running: box' }));
    expect(keep).toHaveBeenCalledOnce();
  });

  it.each<[string, Partial<WorkspaceHealth>, RegExp]>([
    ['to others', { mine: false, stop: { at: inMinutes(12), why: 'idle', left: null } }, /Stops in 12 min/],
    ['once it was put off too often', { stop: { at: inMinutes(12), why: 'schedule', left: 0 } }, /Stops in 12 min: its schedule says so/],
    ['long before', { stop: { at: inMinutes(61), why: 'schedule', left: 3 } }, /^(?!.*Stops)/],
  ])('offers nothing %s', (_, facts, words) => {
    expect(row(health(facts)).text()).toMatch(words);
    expect(screen.queryByRole('button')).toBeNull();
  });
});

describe('the bar before a stop', () => {
  const bar = (facts: WorkspaceHealth | null, now = NOW) => {
    const ports = { keep: vi.fn(), stopNow: vi.fn() };
    const shown = render(StopBar, { health: facts, now, busy: false, ...ports });
    return { ...ports, ...shown };
  };
  const soon = health({ stop: { at: inMinutes(9), why: 'schedule', left: 2 } });

  it('is empty until ten minutes before, and what it then says does not change with each minute', async () => {
    const { rerender } = bar(soon, NOW - 120_000);
    expect(screen.getByRole('status').textContent?.trim()).toBe('');
    expect(screen.queryByRole('button')).toBeNull();
    await rerender({ now: NOW });
    const said = screen.getByRole('status').textContent;
    expect(said).toMatch(/This workspace stops at \d\d:\d\d: its schedule says so\./);
    expect(screen.getByText('9 min').getAttribute('aria-hidden')).toBe('true');
    await rerender({ now: NOW + 60_000 });
    expect(screen.getByRole('status').textContent).toBe(said);
  });

  it('keeps the workspace running, or stops it now; the palette does the first, too', async () => {
    const { keep, stopNow } = bar(soon);
    await fireEvent.click(screen.getByRole('button', { name: 'Keep running' }));
    await fireEvent.click(screen.getByRole('button', { name: 'Stop now' }));
    expect([keep.mock.calls.length, stopNow.mock.calls.length]).toEqual([1, 1]);
    commands.run('keep-running');
    expect(keep).toHaveBeenCalledTimes(2);
  });

  it('says why it can’t be kept, and offers others nothing', () => {
    bar(health({ stop: { at: inMinutes(9), why: 'schedule', left: 0 } })).unmount();
    bar(health({ stop: { at: inMinutes(9), why: 'schedule', left: 0 } }));
    expect(screen.getByRole('status').textContent).toContain('It was put off as often as its template allows.');
    expect(screen.queryByRole('button', { name: 'Keep running' })).toBeNull();
  });

  it('warns those who only watch, without buttons', () => {
    bar({ ...soon, mine: false });
    expect(screen.getByRole('status').textContent).toContain('This workspace stops at');
    expect(screen.queryByRole('button')).toBeNull();
  });
});

describe('what pages know of health', () => {
  beforeEach(() => vi.unstubAllGlobals());

  it('is asked for a hundred at a time, and what does not answer is not known', async () => {
    const ids = Array.from({ length: 101 }, () => id('workspace'));
    const asked = answerWith(({ path }) => {
      const of = new URL(path, 'http://localhost').searchParams.get('ids')?.split(',') ?? [];
      return of.length === 1 ? problemAnswer('unavailable', 'Not now') : jsonAnswer({ items: of.map((each) => health({ id: each })) });
    });
    const board = new HealthBoard();
    await board.load(ids);
    expect(asked).toHaveBeenCalledTimes(2);
    expect([board.of(ids[0] ?? '')?.mine, board.of(ids[100] ?? '')]).toEqual([true, null]);
  });

  it('stays known when it can’t be read again, but figures do not; and nobody is led to sign-in by it', async () => {
    const soon = health({ stop: { at: inMinutes(9), why: 'schedule', left: 2 } });
    const led = vi.fn();
    sessionEvents.addEventListener('signed-out', led);
    let over = false;
    answerWith(() => (over ? problemAnswer('not-signed-in', 'Sign in first') : jsonAnswer({ items: [soon] })));
    const board = new HealthBoard();
    await board.load([soon.id]);
    over = true;
    await board.load([soon.id]);
    expect(board.of(soon.id)?.stop).toEqual(soon.stop);
    expect(board.usage(soon.id, Date.now())).toEqual(soon.usage);
    expect(board.usage(soon.id, Date.now() + 150_000)).toBeNull();
    expect(led).not.toHaveBeenCalled();
    await board.keep(soon.id);
    expect(led).toHaveBeenCalledOnce();
    sessionEvents.removeEventListener('signed-out', led);
  });

  it('changes at once when the stop is put off', async () => {
    const soon = health({ stop: { at: inMinutes(9), why: 'schedule', left: 2 } });
    const later = { ...soon, stop: { at: inMinutes(69), why: 'schedule', left: 1 } };
    const asked = answerWith(({ method }) => jsonAnswer(method === 'POST' ? later : { items: [soon] }));
    const board = new HealthBoard();
    await board.load([soon.id]);
    await board.keep(soon.id);
    expect(asked.mock.calls.at(-1)?.[0]).toMatchObject({ path: `/api/v1/workspaces/${soon.id}/postpone`, body: { why: 'schedule' } });
    expect(board.of(soon.id)?.stop).toEqual(later.stop);
  });
});

it('the list of a runner’s workspaces has those that use most first, and those that nobody knows of last', async () => {
  const item = (name: string, its: WorkspaceUsage | null) => ({ workspace: { id: id('workspace'), name, owner: 'Ines' }, usage: its });
  const items = [
    item('unknown', null),
    item('little', usage({ cpu: { used: 0.1, most: 2 }, disk: { used: 9 * GB, most: 10 * GB } })),
    item('much', usage({ cpu: { used: 1.9, most: 2 } })),
  ];
  answerWith(() => jsonAnswer({ items }));
  render(UsageList, { runnerId: id('runner') });
  const names = () => screen.getAllByRole('listitem').map((each) => each.textContent?.trim().split(' ')[0]);
  await waitFor(() => expect(names()).toEqual(['much', 'little', 'unknown']));
  await fireEvent.change(screen.getByLabelText('Most first by'), { target: { value: 'disk' } });
  expect(names()).toEqual(['little', 'much', 'unknown']);
  expect(screen.getByText('The disk is getting full: 9 of 10 GB. Delete files or ask for more.')).toBeTruthy();
});

describe('the schedule in the editor of templates', () => {
  const drafted = () => JSON.parse(screen.getByTestId('draft').textContent ?? '');

  it('begins with working days, and says in a sentence what it does', async () => {
    render(ScheduleHarness, { draft: { timeZone: 'Europe/Berlin', stops: [], postpone: '3' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Add stop' }));
    expect(screen.getByText(/^Stops Monday to Friday at 19:00, Berlin time; next: /)).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'friday' }));
    await fireEvent.input(screen.getByLabelText('Time of stop 1'), { target: { value: '18:30' } });
    expect(screen.getByText(/^Stops Monday to Thursday at 18:30, Berlin time; next: /)).toBeTruthy();
    expect(drafted().stops).toEqual([{ days: ['monday', 'tuesday', 'wednesday', 'thursday'], at: '18:30' }]);
    await fireEvent.click(screen.getByRole('button', { name: 'Remove stop 1' }));
    expect(screen.queryByText(/^Stops/)).toBeNull();
  });

  it('says nothing it can’t know, and shows what the service refused at its field', () => {
    const errors = { 'schedule.timeZone': 'must be a time zone such as Europe/Berlin', 'schedule.stops.0.days': 'must have a day' };
    render(ScheduleHarness, { draft: { timeZone: 'Berlin', stops: [{ days: [], at: '19:00' }], postpone: '3' }, errors });
    expect(screen.queryByText(/^Stops/)).toBeNull();
    expect(screen.getByText('Time zone must be a time zone such as Europe/Berlin')).toBeTruthy();
    expect(screen.getByText('Days must have a day')).toBeTruthy();
    expect(screen.getByLabelText('Time zone').getAttribute('aria-invalid')).toBe('true');
  });

  it('comes back from the draft as it was; without a stop there is none', () => {
    const schedule = { timeZone: 'Europe/Berlin', stops: [{ days: ['monday'], at: '19:00' }], postpone: 0 };
    const spec = templateSpec.parse({ schedule });
    expect(specOf(draftOf(spec)).schedule).toEqual(schedule);
    expect(specOf(draftOf(templateSpec.parse({}))).schedule).toBeNull();
  });
});
