import type { IdeSetting, IdeSettings } from '@gatehouse/core/api/ide-settings.ts';

export const SETTING_GROUPS = ['Editor', 'Files', 'Languages and git', 'Terminal', 'Keys', 'New workspaces', 'Help'] as const;
export type SettingGroup = (typeof SETTING_GROUPS)[number];

/** Each of a setting's values by name, where there are a few. */
type Choices<Value> = [Value] extends [string] ? { choices: Record<Value, string> } : { choices?: never };
type Words<Name extends IdeSetting> = {
  group: SettingGroup;
  label: string;
  /** what it does, or what else it means */
  sentence: string;
} & Choices<IdeSettings[Name]>;

/** What people read about each setting. One without words does not compile. */
export const SETTING_WORDS: { [Name in IdeSetting]: Words<Name> } = {
  editorFontSize: { group: 'Editor', label: 'Size of text in the editor', sentence: 'In pixels.' },
  keymap: {
    group: 'Editor',
    label: 'Editing keys',
    sentence: 'How the editor understands what you type.',
    choices: { vscode: 'As in VS Code', vim: 'Vim' },
  },
  wordWrap: { group: 'Editor', label: 'Wrap long lines', sentence: 'Otherwise they go on beyond the right edge.' },
  tabSize: { group: 'Editor', label: 'Width of a tab', sentence: 'Where neither an .editorconfig nor the file itself says otherwise.' },
  previewTabs: {
    group: 'Editor',
    label: 'Preview tabs',
    sentence: 'A file that you only look at gives its tab to the next one. A double click, or a change, keeps it.',
  },
  autosave: {
    group: 'Files',
    label: 'Save by itself',
    sentence: 'Unsaved work is kept in this browser in any case.',
    choices: { off: 'Never', delay: 'A second after the last key', focus: 'When you leave the editor' },
  },
  formatOnSave: {
    group: 'Files',
    label: 'Format when saving',
    sentence: 'Where a language server knows how. Saving by itself does not format.',
  },
  languageServers: {
    group: 'Languages and git',
    label: 'Language servers',
    sentence: 'Completion, problems and definitions. They run inside the workspace and use its memory.',
  },
  blame: { group: 'Languages and git', label: 'Blame beside the line', sentence: 'Who last changed the line of the cursor, and when.' },
  terminalFontSize: { group: 'Terminal', label: 'Size of text in terminals', sentence: 'In pixels.' },
  terminalCursor: {
    group: 'Terminal',
    label: 'Cursor',
    sentence: 'Programs may choose another one.',
    choices: { block: 'Block', bar: 'Bar', underline: 'Line below' },
  },
  copyOnSelect: { group: 'Terminal', label: 'Copy what is selected', sentence: 'At once, as far as the policy lets text out.' },
  screenReader: {
    group: 'Terminal',
    label: 'For screen readers',
    sentence: 'What terminals print is read out. This makes much output slower.',
  },
  bell: {
    group: 'Terminal',
    label: 'Bell',
    sentence: 'What happens when a program rings it.',
    choices: { off: 'Nothing', visual: 'The tab shows it' },
  },
  finishedNotice: {
    group: 'Terminal',
    label: 'Say when a long program ends',
    sentence: 'When it ran for long and you looked elsewhere meanwhile.',
  },
  predictiveEcho: {
    group: 'Terminal',
    label: 'Predictive echo',
    sentence: 'What you type is shown before the workspace answers. Passwords never are.',
    choices: { automatic: 'When the way is long', always: 'Always', off: 'Never' },
  },
  keys: { group: 'Keys', label: 'Keys of your own', sentence: 'Actions that you gave other keys.' },
  dotfiles: {
    group: 'New workspaces',
    label: 'Dotfiles',
    sentence:
      'A git repository of yours. Each new workspace of yours clones it to ~/.dotfiles when it first starts, if its policy lets it, and installs it.',
  },
  tour: { group: 'Help', label: 'First steps', sentence: 'The list that leads from an empty workspace to a pushed commit.' },
};
