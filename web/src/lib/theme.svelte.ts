/** `system` follows the device, its wish for more contrast included. */
export const THEMES = ['system', 'light', 'dark', 'contrast-light', 'contrast-dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

export const THEME_NAMES: Record<ThemeChoice, string> = {
  system: 'As the system',
  light: 'Light',
  dark: 'Dark',
  'contrast-light': 'High contrast, light',
  'contrast-dark': 'High contrast, dark',
};

const KEY = 'gatehouse.theme';

const follow = (query: string, become: (matches: boolean) => void): void => {
  const media = matchMedia(query);
  become(media.matches);
  media.addEventListener('change', ({ matches }) => become(matches));
};

/** The chosen theme, kept in this browser. `before.js` does the same before the first paint. */
class Theme {
  choice = $state<ThemeChoice>('system');
  #systemDark = $state(false);
  #systemContrast = $state(false);

  /** what is on the screen now */
  get shown(): 'light' | 'dark' {
    if (this.choice === 'system') return this.#systemDark ? 'dark' : 'light';
    return this.choice.endsWith('dark') ? 'dark' : 'light';
  }

  get contrast(): 'normal' | 'more' {
    const more = this.choice === 'system' ? this.#systemContrast : this.choice.startsWith('contrast');
    return more ? 'more' : 'normal';
  }

  constructor() {
    this.choice = THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'system';
    follow('(prefers-color-scheme: dark)', (matches) => (this.#systemDark = matches));
    follow('(prefers-contrast: more)', (matches) => {
      this.#systemContrast = matches;
      this.#apply();
    });
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
    this.#apply();
  }

  #apply(): void {
    const { dataset } = document.documentElement;
    if (this.choice === 'system') delete dataset['theme'];
    else dataset['theme'] = this.shown;
    dataset['contrast'] = this.contrast;
  }
}

export const theme = new Theme();
