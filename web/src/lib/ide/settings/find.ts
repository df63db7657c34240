import { IDE_SETTINGS, type IdeSetting } from '@gatehouse/core/api/ide-settings.ts';
import { SETTING_GROUPS, SETTING_WORDS, type SettingGroup } from './words.ts';

/** The settings whose words have all the words that are looked for, by group. */
export function findSettings(query: string): { group: SettingGroup; names: IdeSetting[] }[] {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  const answers = (name: IdeSetting) => {
    const { group, label, sentence, choices } = SETTING_WORDS[name];
    const text = [group, label, sentence, ...Object.values(choices ?? {})].join(' ').toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const ordered = (Object.keys(SETTING_WORDS) as IdeSetting[]).filter((name) => IDE_SETTINGS.includes(name) && answers(name));
  return SETTING_GROUPS.map((group) => ({ group, names: ordered.filter((name) => SETTING_WORDS[name].group === group) })).filter(
    ({ names }) => names.length > 0,
  );
}
