import { WARNED_MS } from '@gatehouse/core/access/deadline.ts';
import type { WorkspaceHealth } from '@gatehouse/core/api/workspace-health.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import { plural } from '#lib/time.ts';

export type Level = 'ok' | 'near' | 'full';
type Bounded = WorkspaceUsage['memory'];

/** One figure of what a workspace uses. */
export interface Figure {
  name: string;
  /** "34 %", "1.2 of 4 GB"; "unknown" where the machine can't tell */
  words: string;
  level: Level;
}

const NEAR = 0.8;
const FULL = 0.95;

const levelOf = ({ used, most }: Bounded): Level =>
  used === null || most === null || most === 0 || used < NEAR * most ? 'ok' : used < FULL * most ? 'near' : 'full';

const UNITS = ['kB', 'MB', 'GB', 'TB'];
/** Limits are in 1,024ths, so what is used is, too. */
function inUnit(bytes: number, power: number): string {
  const figure = bytes / 1024 ** (power + 1);
  return String(Number(figure.toFixed(figure < 10 ? 1 : 0)));
}
const powerOf = (bytes: number) => Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10) - 1));

/** "9.6 of 10 GB", "512 MB of 4 GB", "1.2 GB" */
export function sizeWords({ used, most }: Bounded): string {
  if (used === null) return 'unknown';
  const unit = UNITS[powerOf(used)] ?? '';
  if (most === null) return `${inUnit(used, powerOf(used))} ${unit}`;
  const bound = `${inUnit(most, powerOf(most))} ${UNITS[powerOf(most)] ?? ''}`;
  return powerOf(used) === powerOf(most)
    ? `${inUnit(used, powerOf(used))} of ${bound}`
    : `${inUnit(used, powerOf(used))} ${unit} of ${bound}`;
}

/** Of its processors where it has a number of them, else how many it uses. */
export function cpuWords({ used, most }: Bounded): string {
  if (used === null) return 'unknown';
  if (most !== null) return `${Math.round((used / most) * 100)} %`;
  return used < 1 ? `${Math.round(used * 100)} % of one` : `${used.toFixed(1)} in use`;
}

/** Processors are there to be used: all of them busy is no reason to worry. */
export const figuresOf = ({ cpu, memory, disk }: WorkspaceUsage): Figure[] => [
  { name: 'CPU', words: cpuWords(cpu), level: 'ok' },
  { name: 'Memory', words: sizeWords(memory), level: levelOf(memory) },
  { name: 'Disk', words: sizeWords(disk), level: levelOf(disk) },
];

const WARNINGS = {
  disk: { what: 'disk', then: 'Delete files or ask for more.' },
  memory: { what: 'memory', then: 'A program that asks for more is ended.' },
} as const;

/** What somebody should know about what it uses, in sentences; nothing: all is well. */
export function warningsOf(usage: WorkspaceUsage): string[] {
  const sizes = (['disk', 'memory'] as const).flatMap((key) => {
    const level = levelOf(usage[key]);
    const { what, then } = WARNINGS[key];
    return level === 'ok' ? [] : [`The ${what} is ${level === 'full' ? 'nearly' : 'getting'} full: ${sizeWords(usage[key])}. ${then}`];
  });
  const { used, most } = usage.processes;
  const crowded = levelOf(usage.processes) === 'full' ? [`Nearly as many processes run as may: ${used} of ${most}. End some.`] : [];
  const trouble = usage.trouble === null ? [] : [`${usage.trouble.charAt(0).toUpperCase()}${usage.trouble.slice(1)}.`];
  return [...sizes, ...crowded, ...trouble];
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
type Stop = NonNullable<WorkspaceHealth['stop']>;

/** "12 min", "less than a minute" */
export function leftWords(at: string, now: number): string {
  const minutes = Math.ceil((Date.parse(at) - now) / 60_000);
  return minutes < 1 ? 'less than a minute' : minutes < 120 ? `${minutes} min` : plural(Math.floor(minutes / 60), 'hour');
}

const REASONS: Record<Stop['why'], string> = {
  idle: 'nobody is connected',
  work: 'a program works in it, but nobody was connected for long',
  schedule: 'its schedule says so',
};

/** "Stops in 12 min: nobody is connected" */
export const stopWords = ({ at, why }: Stop, now: number): string => `Stops in ${leftWords(at, now)}: ${REASONS[why]}`;

/** "This workspace stops at 19:00: its schedule says so." It does not change while the time passes. */
export const warningWords = ({ at, why }: Stop): string => `This workspace stops at ${clock.format(new Date(at))}: ${REASONS[why]}.`;

/** So near that whoever is there is to be warned. */
export const isNear = (stop: Stop, now: number): boolean => Date.parse(stop.at) - now <= WARNED_MS;

/** A row tells of a stop this long before it. */
const TOLD_MS = 3_600_000;
export const isTold = (stop: Stop, now: number): boolean => Date.parse(stop.at) - now <= TOLD_MS;

/** Why it can't be put off any more; null: it can be. */
export const noMoreTime = ({ left }: Stop): string | null => (left === 0 ? 'It was put off as often as its template allows.' : null);
