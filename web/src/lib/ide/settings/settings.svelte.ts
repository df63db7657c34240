import {
  type ChosenIdeSettings,
  DEFAULT_IDE_SETTINGS,
  type IdeSetting,
  type IdeSettings,
  readChosen,
  readIdeSettings,
} from '@gatehouse/core/api/ide-settings.ts';
import { ApiProblem } from '#lib/api/problem.ts';
import type { Clock } from '../connection/ports.ts';
import { merge, same } from './merge.ts';

const KEY = 'gatehouse.ide.settings';
/** Several choices one after another travel together. */
const SEND_AFTER_MS = 1_500;
const ATTEMPTS = 3;

/** Where the person's account keeps what they chose. */
export interface AccountSettings {
  /** whose: what this browser keeps is theirs alone */
  userId: string;
  clock: Clock;
  get(): Promise<{ value: ChosenIdeSettings; etag: string }>;
  put(chosen: ChosenIdeSettings, etag: string): Promise<{ value: ChosenIdeSettings; etag: string }>;
}

interface Kept {
  chosen: ChosenIdeSettings;
  /** what the account held when both were last the same */
  base: ChosenIdeSettings;
}

/**
 * What this person chose for the IDE. Read `now` where it matters: it follows each change. The browser keeps it, so that it holds
 * without a network; the account makes it the same everywhere.
 */
export class Settings {
  readonly #storage: Storage;
  readonly #account: AccountSettings | null;
  readonly #key: string;
  chosen = $state.raw<ChosenIdeSettings>({});
  readonly now: IdeSettings = $derived(readIdeSettings(this.chosen));
  /** whether the account holds what stands here; null: nobody knows yet, or there is no account */
  synced = $state<boolean | null>(null);
  #base: ChosenIdeSettings = {};
  #syncing: Promise<void> | null = null;
  #cancelSend: (() => void) | null = null;

  constructor(storage: Storage, account: AccountSettings | null = null) {
    this.#storage = storage;
    this.#account = account;
    this.#key = account === null ? KEY : `${KEY}.${account.userId}`;
    this.reload();
  }

  choose(changes: Partial<IdeSettings>): void {
    this.#become({ ...this.chosen, ...changes });
  }

  /** As we made it. */
  reset(name: IdeSetting): void {
    this.#become(Object.fromEntries(Object.entries(this.chosen).filter(([other]) => other !== name)));
  }

  isChosen(name: IdeSetting): boolean {
    return JSON.stringify(this.now[name]) !== JSON.stringify(DEFAULT_IDE_SETTINGS[name]);
  }

  /** Another tab of this browser has written. */
  reload(): void {
    const { chosen, base } = parsed(this.#storage.getItem(this.#key));
    [this.chosen, this.#base] = [chosen, base];
  }

  /** Brings this browser and the account together. Without a network nothing happens, and the next time does it. */
  sync(): Promise<void> {
    this.#cancelSend?.();
    this.#cancelSend = null;
    this.#syncing ??= this.#meet().finally(() => (this.#syncing = null));
    return this.#syncing;
  }

  dispose(): void {
    if (this.#cancelSend !== null) void this.sync();
  }

  #become(chosen: ChosenIdeSettings): void {
    this.chosen = chosen;
    this.#keep();
    if (this.#account === null) return;
    this.synced = false;
    this.#cancelSend?.();
    this.#cancelSend = this.#account.clock.after(SEND_AFTER_MS, () => void this.sync());
  }

  async #meet(): Promise<void> {
    const account = this.#account;
    if (account === null) return;
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) if (await this.#exchange(account)) return;
    } catch {
      this.synced = false;
    }
  }

  /** @returns whether both are the same now */
  async #exchange(account: AccountSettings): Promise<boolean> {
    const theirs = await account.get();
    const sent = merge(this.#base, this.chosen, theirs.value);
    if (!same(sent, theirs.value)) {
      try {
        await account.put(sent, theirs.etag);
      } catch (thrown) {
        if (thrown instanceof ApiProblem && thrown.code === 'stale-version') return false;
        throw thrown;
      }
    }
    // What was chosen while that travelled stays.
    this.chosen = merge(this.#base, this.chosen, sent);
    this.#base = sent;
    this.#keep();
    this.synced = same(this.chosen, sent);
    return this.synced;
  }

  #keep(): void {
    try {
      this.#storage.setItem(this.#key, JSON.stringify({ chosen: this.chosen, base: this.#base } satisfies Kept));
    } catch {
      // a full storage costs only what was chosen without a network
    }
  }
}

/** Removes what this browser keeps of anybody's settings; their accounts have them. */
export function forgetSettings(storage: Storage): void {
  for (const key of Object.keys(storage)) if (key.startsWith(KEY)) storage.removeItem(key);
}

function parsed(text: string | null): Kept {
  try {
    const kept = (text === null ? {} : JSON.parse(text)) as Record<string, unknown> | null;
    return { chosen: readChosen(kept?.['chosen']), base: readChosen(kept?.['base']) };
  } catch {
    return { chosen: {}, base: {} };
  }
}
