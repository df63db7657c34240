import { z } from 'zod';

/** What somebody chose for the browser IDE: one object for each person, everywhere the same. */

export const KEYMAPS = ['vscode', 'vim'] as const;
/** `delay`: a second after the last key; `focus`: when the editor loses the keyboard */
export const AUTOSAVES = ['off', 'delay', 'focus'] as const;
export const CURSORS = ['block', 'bar', 'underline'] as const;
export const BELLS = ['off', 'visual'] as const;
export const ECHO_MODES = ['automatic', 'always', 'off'] as const;
export type EchoMode = (typeof ECHO_MODES)[number];

const fontSize = z.number().int().min(8).max(32);

export const ideSettings = z.object({
  keymap: z.enum(KEYMAPS).default('vscode'),
  autosave: z.enum(AUTOSAVES).default('off'),
  formatOnSave: z.boolean().default(false),
  previewTabs: z.boolean().default(true),
  wordWrap: z.boolean().default(false),
  editorFontSize: fontSize.default(13),
  /** where no .editorconfig and no file says otherwise */
  tabSize: z.number().int().min(1).max(8).default(2),
  languageServers: z.boolean().default(true),
  /** who changed the line of the cursor, and when, beside it */
  blame: z.boolean().default(false),
  terminalFontSize: fontSize.default(13),
  terminalCursor: z.enum(CURSORS).default('block'),
  copyOnSelect: z.boolean().default(false),
  screenReader: z.boolean().default(false),
  bell: z.enum(BELLS).default('visual'),
  /** says when a program ends that ran for long and nobody looked at */
  finishedNotice: z.boolean().default(true),
  predictiveEcho: z.enum(ECHO_MODES).default('automatic'),
  /** keys by action, where they are other than ours; none: the action has no keys */
  keys: z.record(z.string().max(60), z.array(z.string().max(40)).max(4)).default({}),
});
export type IdeSettings = z.infer<typeof ideSettings>;

/** Settings of an earlier or later release: what can't be read is as if it had not been chosen. */
export function readIdeSettings(value: unknown): IdeSettings {
  const chosen = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const known = chosen.filter(([name, setting]) => ideSettings.partial().safeParse({ [name]: setting }).success);
  return ideSettings.parse(Object.fromEntries(known));
}
