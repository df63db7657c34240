import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ToWatcher } from '@gatehouse/core/protocol/runner-control.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { WorkspaceList } from '../src/lib/workspaces/list.svelte.ts';
import { BuildLog, WorkspaceWatch } from '../src/lib/workspaces/watch.svelte.ts';
import { plainText } from '../src/lib/workspaces/log-text.ts';
import { shownState } from '../src/lib/workspaces/state.ts';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { NOW, workspace } from './data.ts';
import RowHarness from './RowHarness.svelte';

class FakeSocket extends EventTarget {
  static opened: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;
  readonly url: string;

  constructor(url: string | URL) {
    super();
    this.url = String(url);
    FakeSocket.opened.push(this);
  }

  say(message: ToWatcher) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  close() {
    this.closed = true;
  }
}

const socket = (): FakeSocket => {
  const last = FakeSocket.opened.at(-1);
  if (last === undefined) throw new Error('no socket was opened');
  return last;
};

beforeEach(() => {
  FakeSocket.opened = [];
  vi.stubGlobal('WebSocket', FakeSocket);
});
afterEach(() => vi.unstubAllGlobals());

describe('a workspace that is starting', () => {
  it('shows its step and percent as they are told, then offers to open it', async () => {
    const item = workspace({ phase: 'queued' });
    answerWith(() => jsonAnswer({ items: [{ ...item, phase: 'running' }], nextCursor: null }));
    render(RowHarness, { workspace: item, now: NOW });
    expect(socket().url).toContain(`/api/v1/workspaces/${item.id}/logs?from=0`);
    const state = { kind: 'state', generation: 1, error: null, failure: null } as const;
    socket().say({ ...state, phase: 'starting', step: 'Cloning the repository', percent: 64 });
    expect(await screen.findByText('Starting, 64 %')).toBeTruthy();
    expect(screen.getByText('Cloning the repository')).toBeTruthy();
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('64');
    expect(screen.getByRole('link', { name: 'Watch log' })).toBeTruthy();
    socket().say({ ...state, phase: 'running', step: null, percent: null });
    expect((await screen.findByRole('link', { name: 'Open' })).getAttribute('href')).toBe(`/w/${item.id}`);
    await waitFor(() => expect(socket().closed).toBe(true));
  });

  it('explains a failure in the row and can be tried again', async () => {
    const item = workspace({
      phase: 'failed',
      failure: 'start-script-failed',
      error: 'The start-up script ended with code 1\nnpm ERR! missing script',
    });
    const sent = answerWith(() => jsonAnswer({ ...item, phase: 'queued', error: null, generation: 2 }, 202));
    render(RowHarness, { workspace: item, now: NOW });
    expect(screen.getByRole('alert').textContent).toContain('The start-up script ended with code 1');
    expect(screen.getByRole('alert').textContent).toContain('The template’s start-up script failed. Files are kept.');
    expect(screen.getByRole('button', { name: 'Ask an administrator' })).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'Start again' }));
    expect(await screen.findByText('Queued')).toBeTruthy();
    expect(sent.mock.calls[0]?.[0]).toMatchObject({ method: 'POST', path: `/api/v1/workspaces/${item.id}/start` });
  });
});

describe('a workspace that runs', () => {
  it.each([
    [true, 'Open'],
    [false, 'Watch'],
  ])('mine: %s, offers “%s”', (mine, word) => {
    const item = workspace({ mine });
    render(RowHarness, { workspace: item, now: NOW });
    expect(screen.getByRole('link', { name: word }).getAttribute('href')).toBe(`/w/${item.id}`);
  });
});

describe('a workspace that is deleted', () => {
  const trash = { at: '2026-11-22T10:00:00.000Z', until: '2026-11-29T10:00:00.000Z' };

  it('goes at once where nothing runs, and can be had back', async () => {
    const item = workspace({ desired: 'stopped', phase: 'stopped' });
    const sent = answerWith(() => jsonAnswer({ ...item, trash }, 202));
    const list = new WorkspaceList();
    list.resource.value = [item];
    await list.removeAtOnce(item.id);
    expect(list.items).toEqual([]);
    expect(sent.mock.calls[0]?.[0]).toMatchObject({ method: 'DELETE', path: `/api/v1/workspaces/${item.id}` });
    answerWith(() => jsonAnswer(item));
    await list.restore(item.id);
    expect(list.items).toEqual([item]);
  });

  it('says in the trash until when, and offers to restore it', async () => {
    const item = workspace({ desired: 'stopped', phase: 'stopped', trash });
    const sent = answerWith(() => jsonAnswer({ ...item, trash: null }));
    render(RowHarness, { workspace: item, now: NOW });
    expect(screen.getByText('In the trash')).toBeTruthy();
    expect(screen.getByText(/Its files are kept until 29 Nov 2026/)).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'Restore' }));
    expect(sent.mock.calls[0]?.[0]).toMatchObject({ method: 'POST', path: `/api/v1/workspaces/${item.id}/restore` });
  });
});

describe('several workspaces', () => {
  it('are stopped one after another, and each says why it could not be', async () => {
    const [one, two] = [workspace(), workspace()];
    answerWith(({ path }) =>
      path.includes(one.id) ? jsonAnswer({ ...one, desired: 'stopped' }, 202) : problemAnswer('not-ready', 'Too late'),
    );
    const list = new WorkspaceList();
    list.resource.value = [one, two];
    const { items } = await list.stopAll([one.id, two.id]);
    expect(items.map(({ id, ok }) => [id, ok])).toEqual([
      [one.id, true],
      [two.id, false],
    ]);
  });
});

describe('the word for a state', () => {
  it('is never green when the runner is away', () => {
    const away = workspace({ runner: { ...workspace().runner, online: false } });
    expect(shownState(away)).toMatchObject({ tone: 'unknown', word: 'Unknown', kind: 'lost-running' });
    render(RowHarness, { workspace: away, now: NOW });
    expect(screen.getByRole('alert').textContent).toMatch(/build-01 is offline since .*; the workspace may still be running there/);
    expect(screen.getByRole('button', { name: 'Stop' })).toBeTruthy();
  });
});

describe('the live log', () => {
  it('leaves out what it has already, and begins anew with each generation', () => {
    const log = new BuildLog();
    log.add({ generation: 1, offset: 0, text: 'größe\n' });
    log.add({ generation: 1, offset: 0, text: 'größe\nzwei\n' });
    expect(log.text).toBe('größe\nzwei\n');
    expect(log.offset).toBe(new TextEncoder().encode('größe\nzwei\n').length);
    log.add({ generation: 2, offset: 0, text: 'again\n' });
    log.add({ generation: 1, offset: 13, text: 'late\n' });
    expect(log.text).toBe('again\n');
  });

  it('dials again from where it was cut, and not when access was taken away', () => {
    vi.useFakeTimers();
    const watch = new WorkspaceWatch(workspace().id);
    watch.start();
    socket().say({ kind: 'log', generation: 1, offset: 0, text: 'one\n' });
    socket().onclose?.({ code: 1006 });
    vi.runAllTimers();
    expect(FakeSocket.opened).toHaveLength(2);
    expect(socket().url).toContain('?from=4');
    socket().onclose?.({ code: CLOSE_CODES.revoked.code });
    vi.runAllTimers();
    expect(FakeSocket.opened).toHaveLength(2);
    expect(watch.over).toBe(true);
    vi.useRealTimers();
  });

  it('shows a rewritten line as it ended, without control sequences', () => {
    expect(plainText('\u001b[32mgot 10%\rgot 100%\u001b[0m\r\ndone\u0007\n')).toBe('got 100%\ndone\u0007\n');
  });
});
