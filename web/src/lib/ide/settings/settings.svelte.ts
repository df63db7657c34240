import { type IdeSettings, readIdeSettings } from '@gatehouse/core/api/ide-settings.ts';

const KEY = 'gatehouse.ide.settings';

/** What this person chose for the IDE. Read `now` where it matters: it follows each change. */
export class Settings {
  readonly #storage: Storage;
  now = $state.raw<IdeSettings>(readIdeSettings(null));

  constructor(storage: Storage) {
    this.#storage = storage;
    this.now = readIdeSettings(parsed(storage.getItem(KEY)));
  }

  choose(changes: Partial<IdeSettings>): void {
    this.now = { ...this.now, ...changes };
    this.#storage.setItem(KEY, JSON.stringify(this.now));
  }
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
