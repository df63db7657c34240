import type { Settings } from './settings.svelte.ts';
import { EDITOR_KEYS, editorKey, IDE_KEYS, type ChosenKeys } from '../keys.ts';

interface Keyed {
  id: string;
  label: string;
  keys: readonly string[];
}

/** All that has keys in the IDE, with those that are in force. */
export const keyed = (chosen: ChosenKeys): Keyed[] => [
  ...IDE_KEYS.map(({ action, label, keys }) => ({ id: action as string, label, keys: chosen[action] ?? keys })),
  ...EDITOR_KEYS.map(({ command, label, keys }) => ({
    id: editorKey(command),
    label,
    keys: chosen[editorKey(command)] ?? [keys],
  })),
];

/** What has these keys already, beside the action they are for. */
export const conflictOf = (keys: string, id: string, chosen: ChosenKeys): string | null =>
  keyed(chosen).find((entry) => entry.id !== id && entry.keys.includes(keys))?.label ?? null;

/** How somebody gives an action other keys. */
export interface Remap {
  isOwn: boolean;
  /** label of what has these keys now, which would lose them */
  conflict(keys: string): string | null;
  choose(keys: string): void;
  reset(): void;
}

export function remapOf(settings: Settings, id: string): Remap {
  const { keys: chosen } = settings.now;
  return {
    isOwn: chosen[id] !== undefined,
    conflict: (keys) => conflictOf(keys, id, settings.now.keys),
    choose: (keys) => {
      const loser = keyed(settings.now.keys).find((entry) => entry.id !== id && entry.keys.includes(keys));
      const others = loser === undefined ? {} : { [loser.id]: loser.keys.filter((other) => other !== keys) };
      settings.choose({ keys: { ...settings.now.keys, ...others, [id]: [keys] } });
    },
    reset: () => settings.choose({ keys: Object.fromEntries(Object.entries(settings.now.keys).filter(([other]) => other !== id)) }),
  };
}
