/** Keys as they are written for people (`Ctrl Shift F`), and as they are pressed. */

export type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** Where the key stands decides, not what Shift or a layout makes of it. */
const CODES: Readonly<Record<string, string>> = {
  '`': 'Backquote',
  ',': 'Comma',
  '/': 'Slash',
  '\\': 'Backslash',
  '[': 'BracketLeft',
  ']': 'BracketRight',
  '↓': 'ArrowDown',
  '↑': 'ArrowUp',
  '←': 'ArrowLeft',
  '→': 'ArrowRight',
  '=': 'Equal',
  '-': 'Minus',
  PageUp: 'PageUp',
  PageDown: 'PageDown',
  ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [`${digit}`, `Digit${digit}`])),
};
const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(CODES).map(([name, code]) => [code, name]));
const MODIFIERS: ReadonlySet<string> = new Set([
  'Control',
  'Meta',
  'Alt',
  'Shift',
  'AltGraph',
  'CapsLock',
  'Dead',
  'Process',
  'Unidentified',
]);

export function isPressed(keys: string, event: Pressed): boolean {
  const parts = keys.split(' ');
  const key = parts.at(-1) ?? '';
  return (
    parts.includes('Ctrl') === (event.ctrlKey || event.metaKey) &&
    parts.includes('Alt') === event.altKey &&
    parts.includes('Shift') === event.shiftKey &&
    nameOf(event) === key.toLowerCase()
  );
}

/** On a Mac, Alt makes other letters: there, too, the key's place decides. */
function nameOf({ key, code, altKey }: Pressed): string {
  const name = NAMES.get(code);
  if (name !== undefined) return name.toLowerCase();
  const isForeign = altKey && !/^[ -~]+$/.test(key);
  return isForeign ? code.replace(/^Key/, '').toLowerCase() : key.toLowerCase();
}

/** What was pressed, as it is written; null while only modifiers are down, and for a letter alone, which somebody types. */
export function writtenKeys(event: Pressed): string | null {
  if (MODIFIERS.has(event.key)) return null;
  const isFunction = /^F\d{1,2}$/.test(event.key);
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !isFunction) return null;
  const name = NAMES.get(event.code) ?? (event.key === ' ' ? 'Space' : nameOf(event));
  const shown = name.length === 1 || isFunction ? name.toUpperCase() : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return [
    ...(event.ctrlKey || event.metaKey ? ['Ctrl'] : []),
    ...(event.altKey ? ['Alt'] : []),
    ...(event.shiftKey ? ['Shift'] : []),
    shown,
  ].join(' ');
}

/** A function key alone is the program's, where a terminal has the keyboard. */
export const isForProgram = (keys: string): boolean => /^F\d+$/.test(keys);

const STOLEN: readonly string[] = [
  'Ctrl W',
  'Ctrl T',
  'Ctrl N',
  'Ctrl Shift W',
  'Ctrl Shift T',
  'Ctrl Shift N',
  'Ctrl Tab',
  'Ctrl Shift Tab',
];
const STOLEN_BY_SOME: readonly string[] = ['Ctrl PageUp', 'Ctrl PageDown', 'Ctrl Shift P', 'Ctrl Q'];

/** What to know of keys before one chooses them; null: nothing. */
export function browserWords(keys: string): string | null {
  if (STOLEN.includes(keys)) return 'Browsers keep these keys for themselves: they reach this page in full screen only.';
  if (STOLEN_BY_SOME.includes(keys)) return 'Some browsers keep these keys for themselves.';
  return /^Alt F4$|^Ctrl Alt Delete$/.test(keys) ? 'The system keeps these keys for itself.' : null;
}

const MAC: Readonly<Record<string, string>> = { Ctrl: '⌘', Alt: '⌥', Shift: '⇧' };
export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

/** Keys as the keyboard before this person names them. */
export const shownKeys = (keys: string, mac = isMac()): string =>
  mac
    ? keys
        .split(' ')
        .map((part) => MAC[part] ?? part)
        .join(keys.includes('Ctrl') || keys.includes('Alt') ? '' : ' ')
    : keys;
