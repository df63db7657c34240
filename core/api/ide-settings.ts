import { z } from 'zod';
import { isSourceUrl, text } from './common.ts';

/** What somebody chose for the browser IDE: one object for each person, everywhere the same. */

export const KEYMAPS = ['vscode', 'vim'] as const;
/** `delay`: a second after the last key; `focus`: when the editor loses the keyboard */
export const AUTOSAVES = ['off', 'delay', 'focus'] as const;
export const CURSORS = ['block', 'bar', 'underline'] as const;
export const BELLS = ['off', 'visual'] as const;
export const ECHO_MODES = ['automatic', 'always', 'off'] as const;
export type EchoMode = (typeof ECHO_MODES)[number];

/** What a first visit leads to, one after the other. */
export const TOUR_STEPS = ['terminal', 'open', 'edit', 'commit', 'push'] as const;
export type TourStep = (typeof TOUR_STEPS)[number];

/** A git repository of somebody's own files, which each new workspace of theirs gets. */
export const dotfiles = z.strictObject({
  repository: text(500).refine(isSourceUrl, 'must be an address such as https://git.example/me/dotfiles'),
  /** empty: the repository's own */
  branch: text(200, 0).refine((value) => !/^-|\s|\.\./.test(value), 'must be the name of a branch'),
  /** run in its folder; empty: install.sh or setup, and where there is none, its dot files are linked into the home */
  command: text(500, 0),
});
export type Dotfiles = z.infer<typeof dotfiles>;

const MOST_KEYS = 200;
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
  keys: z
    .record(z.string().max(60), z.array(z.string().max(40)).max(4))
    .refine((keys) => Object.keys(keys).length <= MOST_KEYS, `must be of at most ${MOST_KEYS} actions`)
    .default({}),
  dotfiles: dotfiles.nullable().default(null),
  /** what of the first steps is done; `hidden`: they are not to be shown */
  tour: z
    .strictObject({ done: z.array(z.enum(TOUR_STEPS)).max(TOUR_STEPS.length), hidden: z.boolean() })
    .default({ done: [], hidden: false }),
});
export type IdeSettings = z.infer<typeof ideSettings>;
export type IdeSetting = keyof IdeSettings;
export const IDE_SETTINGS = Object.keys(ideSettings.shape) as IdeSetting[];

type Shape = typeof ideSettings.shape;
const chosenShape = Object.fromEntries(Object.entries(ideSettings.shape).map(([name, schema]) => [name, schema.unwrap().optional()])) as {
  [Name in IdeSetting]: z.ZodOptional<ReturnType<Shape[Name]['unwrap']>>;
};
/** What somebody chose themselves, as their account keeps it: what is left out is as we made it. */
export const chosenIdeSettings = z.strictObject(chosenShape);
export type ChosenIdeSettings = { [Name in IdeSetting]?: IdeSettings[Name] | undefined };

export const DEFAULT_IDE_SETTINGS: IdeSettings = ideSettings.parse({});

/** Of a release before or after: without what this one can't read. */
export function readChosen(value: unknown): ChosenIdeSettings {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const known = entries.filter(([name, setting]) => chosenIdeSettings.safeParse({ [name]: setting }).success);
  return chosenIdeSettings.parse(Object.fromEntries(known));
}

/** Settings of an earlier or later release: what can't be read is as if it had not been chosen. */
export const readIdeSettings = (value: unknown): IdeSettings => ideSettings.parse(readChosen(value));
