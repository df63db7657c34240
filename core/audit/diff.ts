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
