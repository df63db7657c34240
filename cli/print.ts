import { styleText } from 'node:util';
import type { Change } from '@gatehouse/core/access/config-plan.ts';
import { adviceOn, type Outcome } from './apply.ts';

/** Where people read, and where programs do. Colours only on a terminal that has not said NO_COLOR. */
const colour = (format: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string): string =>
  styleText(format, text, { stream: process.stdout, validateStream: true });

const MARKS = { gives: '+', changes: '~', takes: '-' } as const;
const COLOURS = { gives: 'green', changes: 'yellow', takes: 'red' } as const;

function effectOf({ kind }: Change): keyof typeof MARKS {
  if (/\.(delete|remove|unset)$/.test(kind)) return 'takes';
  return /\.update$|^policy\./.test(kind) ? 'changes' : 'gives';
}

export const count = (n: number, what = 'change'): string => `${n} ${what}${n === 1 ? '' : 's'}`;

const lineOf = (change: Change): string => {
  const effect = effectOf(change);
  return `${colour(COLOURS[effect], MARKS[effect])} ${change.words}`;
};

/** The plan, a line for each step. */
export function planText(changes: readonly Change[], tenant: string, file: string): string {
  if (changes.length === 0) return `Nothing to do: ${tenant} is as ${file} says.`;
  const effects = changes.map(effectOf);
  const parts = (['gives', 'changes', 'takes'] as const).flatMap((effect) => {
    const n = effects.filter((each) => each === effect).length;
    return n === 0 ? [] : [`${MARKS[effect]}${n}`];
  });
  return [
    colour('bold', `${file} → ${tenant}`),
    '',
    ...changes.map((change) => `  ${lineOf(change)}`),
    '',
    `${count(changes.length)} (${parts.join(' ')}).`,
  ].join('\n');
}

/** Steps that were taken just now. @param before how many were before them */
export const progressText = (changes: readonly Change[], before: number, total: number): string =>
  changes
    .map((change, index) => `${colour('dim', `${String(before + index + 1).padStart(String(total).length)} of ${total}`)}  ${change.words}`)
    .join('\n');

/** Lines of what is left that are shown; the plan shows all of them again. */
const LEFT_SHOWN = 20;

/** How it ended. */
export function outcomeText({ done, failed, left }: Outcome, tenant: string): string {
  const total = done.length + (failed?.changes.length ?? 0) + left.length;
  if (failed === null && left.length === 0) return colour('green', `Done: ${count(total)}. ${tenant} is as the file says.`);
  const undone = [...(failed?.changes ?? []), ...left];
  const shown = undone.slice(0, LEFT_SHOWN).map((change) => `  ${lineOf(change)}`);
  return [
    ...(failed ? [colour('red', `This failed: ${wordsOf(failed.changes)}`), failed.fault.message] : ['Stopped.']),
    '',
    `${done.length} of ${count(total)} ${done.length === 1 ? 'is' : 'are'} done. Not done:`,
    ...shown,
    ...(undone.length > LEFT_SHOWN ? [`  and ${undone.length - LEFT_SHOWN} more`] : []),
    '',
    failed ? adviceOn(failed.fault) : 'Apply the file again: it goes on where this ended.',
  ].join('\n');
}

const wordsOf = (changes: readonly Change[]): string =>
  (changes[0]?.words ?? '') + (changes.length > 1 ? `, and ${changes.length - 1} more in the same request` : '');
