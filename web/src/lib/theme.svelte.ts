export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

const KEY = 'gatehouse.theme';

/** The chosen theme, kept in this browser; `system` follows the device. */
class Theme {
  choice = $state<ThemeChoice>('system');
  #systemDark = $state(false);

  /** what is on the screen now */
  get shown(): 'light' | 'dark' {
    if (this.choice !== 'system') return this.choice;
    return this.#systemDark ? 'dark' : 'light';
  }

  constructor() {
    const stored = THEMES.find((name) => name === localStorage.getItem(KEY));
    this.choice = stored ?? 'system';
    const system = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = system.matches;
    system.addEventListener('change', ({ matches }) => (this.#systemDark = matches));
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === 'system') {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEY, choice);
      document.documentElement.dataset.theme = choice;
    }
  }
}

export const theme = new Theme();
