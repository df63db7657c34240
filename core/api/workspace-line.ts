import type { WorkspaceLine } from '../protocol/workspace-phases.ts';

const ORDINALS: Record<string, string> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
const rule = new Intl.PluralRules('en-GB', { type: 'ordinal' });
/** "3rd" */
const ordinal = (place: number): string => `${place}${ORDINALS[rule.select(place)] ?? 'th'}`;

/** "3rd in line for runner eu-1, which is full (10 of 10)" */
export function lineWords({ position, running, capacity }: WorkspaceLine, runner: { name: string; drain: object | null }): string {
  const place = `${ordinal(position)} in line for runner ${runner.name}`;
  if (runner.drain !== null) return `${place}, which is being drained`;
  return capacity === null || running < capacity ? place : `${place}, which is full (${running} of ${capacity})`;
}
