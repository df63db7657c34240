import type { AuditChange } from './event.ts';

/** How a field is treated in the trail: its values kept, left out, or only the fact that it changed. */
export type FieldRule = 'tracked' | 'ignored' | 'secret';

/** A rule for every field of T: leaving one out is a type error. */
export type FieldRules<T> = { [K in keyof Required<T>]: FieldRule };

/** The changes between two states of a thing; `before` is null when it is made, `after` when it goes. */
export function diff<T extends object>(rules: FieldRules<T>, before: T | null, after: T | null): AuditChange[] {
  const changes: AuditChange[] = [];
  for (const key of Object.keys(rules) as Array<keyof T & string>) {
    const old = before?.[key] ?? null;
    const now = after?.[key] ?? null;
    if (rules[key] === 'ignored' || JSON.stringify(old) === JSON.stringify(now)) continue;
    const secret = rules[key] === 'secret';
    changes.push({ path: key, old: secret ? null : old, new: secret ? null : now, secret });
  }
  return changes;
}

/**
 * The changes of a list whose entries have a key, one for each entry that came, went or became another. `path` stands before the key:
 * `members.`. Entries are named by a text that is kept, or are things with rules of their own.
 */
export function diffEntries(
  path: string,
  rule: 'tracked',
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): AuditChange[];
export function diffEntries<T extends object>(
  path: string,
  rules: FieldRules<T>,
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): AuditChange[];
export function diffEntries(
  path: string,
  rules: 'tracked' | Record<string, FieldRule>,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): AuditChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [old, now] = [before.get(key) ?? null, after.get(key) ?? null];
    if (JSON.stringify(old) === JSON.stringify(now)) return [];
    const [wasTracked, isTracked] = rules === 'tracked' ? [old, now] : [trackedOf(rules, old), trackedOf(rules, now)];
    const changed = JSON.stringify(wasTracked) !== JSON.stringify(isTracked);
    const whole = changed ? [{ path: path + key, old: wasTracked, new: isTracked, secret: false }] : [];
    const secrets = rules === 'tracked' ? [] : secretChanges(rules, old as object | null, now as object | null);
    return [...whole, ...secrets.map((change) => ({ ...change, path: `${path}${key}.${change.path}` }))];
  });
}

const only = (rules: Record<string, FieldRule>, rule: FieldRule) => Object.keys(rules).filter((key) => rules[key] === rule);

const trackedOf = (rules: Record<string, FieldRule>, entry: unknown): Record<string, unknown> | null =>
  entry === null ? null : Object.fromEntries(only(rules, 'tracked').map((key) => [key, (entry as Record<string, unknown>)[key] ?? null]));

const secretChanges = (rules: Record<string, FieldRule>, old: object | null, now: object | null): AuditChange[] =>
  diff(Object.fromEntries(only(rules, 'secret').map((key) => [key, 'secret'])) as Record<string, FieldRule>, old, now);
