import type { ChosenIdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { ApiProblem } from '#lib/api/problem.ts';
import { ManualClock, settle } from '../testing/manual-clock.ts';
import { merge } from './merge.ts';
import { type AccountSettings, forgetSettings, Settings } from './settings.svelte.ts';

beforeEach(() => localStorage.clear());

test('what was chosen is there at the next visit, and the rest is as we made it', () => {
  new Settings(localStorage).choose({ keymap: 'vim' });
  expect(new Settings(localStorage).now).toMatchObject({ keymap: 'vim', autosave: 'off' });
});

test('a choice that can’t be read costs only itself', () => {
  localStorage.setItem('gatehouse.ide.settings', '{"chosen":{"keymap":"emacs","tabSize":4,"later":1}}');
  expect(new Settings(localStorage).now).toMatchObject({ keymap: 'vscode', tabSize: 4 });
  localStorage.setItem('gatehouse.ide.settings', 'no JSON');
  expect(new Settings(localStorage).now.tabSize).toBe(2);
});

test('a setting that is reset is as we made it, whatever that will be', () => {
  const settings = new Settings(localStorage);
  settings.choose({ tabSize: 8, wordWrap: true });
  settings.reset('tabSize');
  expect(settings.chosen).toEqual({ wordWrap: true });
  expect([settings.isChosen('tabSize'), settings.isChosen('wordWrap')]).toEqual([false, true]);
});

/** An account, as the Worker keeps it. */
class Account {
  value: ChosenIdeSettings = {};
  revision = 0;
  reachable = true;
  /** runs once, between somebody's look and their change */
  meanwhile: (() => void) | null = null;
  readonly clock = new ManualClock();

  of(userId = 'usr_1'): AccountSettings {
    return {
      userId,
      clock: this.clock,
      get: () => this.#answer(() => undefined),
      put: (chosen, etag) => {
        this.meanwhile?.();
        this.meanwhile = null;
        return this.#answer(() => {
          if (etag !== `"${this.revision}"`) throw new ApiProblem('stale-version', 'They changed');
          this.value = chosen;
          this.revision++;
        });
      },
    };
  }

  async #answer(work: () => void) {
    if (!this.reachable) throw new ApiProblem('unavailable', 'No network');
    work();
    return { value: this.value, etag: `"${this.revision}"` };
  }
}

/** A browser of its own, with storage of its own. */
function storage(): Storage {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) } as Storage;
}

describe('settings of an account', () => {
  test('are the same in another browser once both have asked', async () => {
    const account = new Account();
    const [here, there] = [new Settings(storage(), account.of()), new Settings(storage(), account.of())];
    here.choose({ keymap: 'vim' });
    account.clock.advance(2_000);
    await settle();
    await there.sync();
    expect(there.now.keymap).toBe('vim');
    expect([here.synced, there.synced]).toEqual([true, true]);
  });

  test('keep what each of two browsers changed, and the last word where both changed the same', async () => {
    const account = new Account();
    const [here, there] = [new Settings(storage(), account.of()), new Settings(storage(), account.of())];
    here.choose({ tabSize: 4, wordWrap: true, keys: { save: ['F2'] } });
    there.choose({ tabSize: 8, blame: true, keys: { 'close-tab': ['F3'] } });
    await here.sync();
    await there.sync();
    await here.sync();
    expect(here.chosen).toEqual(there.chosen);
    expect(here.now).toMatchObject({ tabSize: 8, wordWrap: true, blame: true, keys: { save: ['F2'], 'close-tab': ['F3'] } });
  });

  test('are merged again when another browser is faster', async () => {
    const account = new Account();
    const here = new Settings(storage(), account.of());
    account.meanwhile = () => {
      account.value = { bell: 'off' };
      account.revision++;
    };
    here.choose({ tabSize: 4 });
    await here.sync();
    expect(account.value).toEqual({ bell: 'off', tabSize: 4 });
  });

  test('hold without a network, and arrive with the next one; a reset arrives, too', async () => {
    const account = new Account();
    const kept = storage();
    const here = new Settings(kept, account.of());
    here.choose({ tabSize: 4, wordWrap: true });
    await here.sync();
    account.reachable = false;
    here.choose({ blame: true });
    here.reset('tabSize');
    await here.sync();
    expect(here.synced).toBe(false);
    const nextVisit = new Settings(kept, account.of());
    expect(nextVisit.now.blame).toBe(true);
    account.reachable = true;
    await nextVisit.sync();
    expect(account.value).toEqual({ wordWrap: true, blame: true });
  });

  test('of one person are nothing to the next one at the same browser', async () => {
    const account = new Account();
    const kept = storage();
    new Settings(kept, account.of('usr_1')).choose({ keymap: 'vim' });
    expect(new Settings(kept, account.of('usr_2')).now.keymap).toBe('vscode');
  });
});

test('merging: what one side took away stays away, unless the other changed it', () => {
  const base = { tabSize: 4, wordWrap: true };
  expect(merge(base, { wordWrap: true }, base)).toEqual({ wordWrap: true });
  expect(merge(base, base, { tabSize: 4 })).toEqual({ tabSize: 4 });
  expect(merge(base, { wordWrap: true }, { tabSize: 8, wordWrap: true })).toEqual({ wordWrap: true });
});

test('a browser that somebody signs out of keeps no settings', () => {
  new Settings(localStorage, new Account().of()).choose({ tabSize: 4 });
  localStorage.setItem('gatehouse.theme', 'dark');
  forgetSettings(localStorage);
  expect(Object.keys(localStorage)).toEqual(['gatehouse.theme']);
});
