import type { Permission } from '@gatehouse/core/access/permissions.ts';
import { ACTIVE_DAYS, SETUP_STEPS, type Overview, type SetupStep } from '@gatehouse/core/api/overview.ts';
import type { UserContext } from '../platform/context.ts';
import * as store from './overview.store.ts';

const DAY_MS = 24 * 60 * 60_000;

/**
 * The figures that the database has. Each part needs what its own page needs, and is left out for who may not see that; so
 * nobody is refused, and a token gets what is within its scopes. Costs the same at ten people and at ten thousand.
 */
export async function readOverview(ctx: UserContext): Promise<Overview> {
  const { db, actor, now } = ctx;
  const ifMay = <T>(permission: Permission, read: () => Promise<T>): Promise<T | null> =>
    actor.permissions.has(permission) ? read() : Promise.resolve(null);
  const [people, work, runners, setup] = await Promise.all([
    ifMay('user:read', async () => activityOf(await store.activeDays(db, dayOf(now(), 1 - ACTIVE_DAYS)), now())),
    ifMay('workspace:read-all', () => store.countWork(db)),
    ifMay('runner:read', () => store.countRunners(db)),
    stepsLeft(ctx),
  ]);
  return { people, work, runners, setup };
}

const dayOf = (now: Date, offset: number): string => new Date(now.getTime() + offset * DAY_MS).toISOString().slice(0, 10);

/** Days without anybody have no row. Whoever was active several times within a week is counted on the last of the days. */
function activityOf(rows: readonly store.ActiveDay[], now: Date): NonNullable<Overview['people']> {
  const byDay = new Map(rows.map((row) => [row.day, row]));
  const days = Array.from({ length: ACTIVE_DAYS }, (_, index) => {
    const day = dayOf(now, index + 1 - ACTIVE_DAYS);
    return { day, people: byDay.get(day)?.people ?? 0, seenLast: byDay.get(day)?.seen_last ?? 0 };
  });
  const different = (of: number) => days.slice(-of).reduce((sum, { seenLast }) => sum + seenLast, 0);
  return {
    today: days.at(-1)?.people ?? 0,
    week: different(7),
    month: different(ACTIVE_DAYS),
    days: days.map(({ day, people }) => ({ day, people })),
  };
}

/** Nobody is told to do what they may not. */
async function stepsLeft({ db, actor }: UserContext): Promise<SetupStep[]> {
  const own = (Object.keys(SETUP_STEPS) as SetupStep[]).filter((step) => actor.permissions.has(SETUP_STEPS[step]));
  if (own.length === 0) return [];
  const done = await store.stepsDone(db);
  return own.filter((step) => !done[step]);
}
