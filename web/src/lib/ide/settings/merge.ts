import type { ChosenIdeSettings } from '@gatehouse/core/api/ide-settings.ts';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Whatever the order of their fields. */
export const same = (one: unknown, other: unknown): boolean => ordered(one) === ordered(other);
const ordered = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    isRecord(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  ) ?? '';

/**
 * What comes of two browsers' choices that began at the same `base`: each keeps what it changed, field by field, and keys action by
 * action. Where both changed the same, ours is the last and stays.
 */
export function merge(base: ChosenIdeSettings, ours: ChosenIdeSettings, theirs: ChosenIdeSettings): ChosenIdeSettings {
  return mergeRecords(base, ours, theirs);
}

function mergeRecords(base: Record<string, unknown>, ours: Record<string, unknown>, theirs: Record<string, unknown>) {
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  const merged: Record<string, unknown> = {};
  for (const name of names) {
    const value = mergeValue(base[name], ours[name], theirs[name], name === 'keys');
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

function mergeValue(base: unknown, ours: unknown, theirs: unknown, within: boolean): unknown {
  if (same(base, ours)) return theirs;
  if (within && isRecord(ours) && isRecord(theirs)) return mergeRecords(isRecord(base) ? base : {}, ours, theirs);
  return ours;
}
