import type { ITheme } from '@xterm/xterm';

/**
 * The terminal's colours as plain RGB. Canvases know neither custom properties nor light-dark(), so the browser
 * computes each token here and a canvas pixel turns the result, in whatever colour space, into bytes.
 */
export function terminalTheme(host: HTMLElement): ITheme {
  const probe = document.createElement('span');
  // Where the system imposes colours, the terminal still draws its own.
  probe.style.setProperty('forced-color-adjust', 'none');
  host.append(probe);
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const bytes = (token: string): Uint8ClampedArray => {
    probe.style.color = `var(${token})`;
    if (context === null) return new Uint8ClampedArray(4);
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data;
  };
  const color = (token: string): string =>
    `#${[...bytes(token).subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const isDark = (bytes('--term-bg')[1] ?? 0) < 128;
  const named = Object.fromEntries(
    ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan'].flatMap((name) => {
      const value = color(`--term-${name}`);
      return [
        [name, value],
        [`bright${name[0]?.toUpperCase()}${name.slice(1)}`, value],
      ];
    }),
  );
  const theme: ITheme = {
    ...named,
    background: color('--term-bg'),
    foreground: color('--term-fg'),
    cursor: color('--accent'),
    cursorAccent: color('--term-bg'),
    selectionBackground: color('--code-selection'),
    black: color(isDark ? '--border' : '--fg'),
    brightBlack: color('--term-dim'),
    white: color(isDark ? '--term-fg' : '--border'),
    brightWhite: color(isDark ? '--fg' : '--bg-active'),
    scrollbarSliderBackground: `${color('--border-control')}66`,
    scrollbarSliderHoverBackground: `${color('--border-control')}aa`,
    scrollbarSliderActiveBackground: color('--border-control'),
  };
  probe.remove();
  return theme;
}
