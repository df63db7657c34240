import {
  allowanceOf,
  allowanceWords,
  QUOTA_FIELDS,
  refusalWords,
  type QuotaEntry,
  type QuotaField,
} from '@gatehouse/core/access/quotas.ts';
import type { OwnQuota, QuotaPreview, QuotaPut, QuotaShown, UserQuota } from '@gatehouse/core/api/quotas.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, require, requireScope } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import * as store from './quotas.store.ts';

/** Names that somebody who is refused is told. */
const ASKED = 5;
const LISTED = 200;
/** People whom a preview looks at. */
const PREVIEWED = 100;

const RULES = { workspaces: 'tracked', running: 'tracked' } as const;

/** Whose a level is: the organisation's has no id. */
export interface Level {
  type: 'tenant' | 'group' | 'user';
  id: string;
}
export const TENANT_LEVEL: Level = { type: 'tenant', id: '' };

/** A quota is a share of the runners' room: whoever manages those hands it out, and it opens nothing to anybody. */
const MANAGES = 'runner:manage';
const READS = { tenant: 'tenant:read', group: 'group:read', user: 'user:read' } as const;

const resourceOf = (ctx: UserContext, { type, id }: Level, name: string) => ({ type, id: type === 'tenant' ? ctx.tenant.id : id, name });

/** The level's name. @throws AppError `permission-denied`, then `not-found` */
async function requireLevel(ctx: UserContext, level: Level, permission: typeof MANAGES | (typeof READS)[Level['type']]): Promise<string> {
  const facts = { action: `${level.type}.quota`, resource: resourceOf(ctx, level, `the ${level.type}`) } as const;
  const denied = { action: 'request.denied', resource: { type: 'policy', id: null, name: `GET quota of a ${level.type}` } } as const;
  await require(ctx, permission, permission === MANAGES ? facts : denied);
  const name = await store.nameOfSubject(ctx.db, level);
  if (name === undefined) throw new AppError('not-found', level.type === 'group' ? 'There is no such group' : 'There is no such person');
  return name;
}

/** Every level that says something. */
export async function listQuotas(ctx: UserContext): Promise<{ items: QuotaShown[]; truncated: boolean }> {
  await require(ctx, MANAGES, { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /quotas' } });
  const found = await store.findQuotas(ctx.db, LISTED + 1);
  return { items: found.slice(0, LISTED).map(shown), truncated: found.length > LISTED };
}

const shown = ({ subject, workspaces, running }: QuotaEntry): QuotaShown => ({ subject, values: { workspaces, running } });

export async function readQuota(ctx: UserContext, level: Level): Promise<{ shown: QuotaShown; revision: number }> {
  const name = await requireLevel(ctx, level, READS[level.type]);
  const { values, revision } = await store.findQuota(ctx.db, level);
  return { shown: { subject: { ...level, name }, values }, revision };
}

/** What is set for a person, and what comes of it. */
export async function readUserQuota(ctx: UserContext, id: string): Promise<{ shown: UserQuota; revision: number }> {
  const { shown: own, revision } = await readQuota(ctx, { type: 'user', id });
  const standing = await standingOf(ctx, id);
  return { shown: { ...own, inForce: inForceOf(standing, own.subject.name) }, revision };
}

/** The caller's own, for before they create or start something. */
export async function readOwnQuota(ctx: UserContext): Promise<OwnQuota> {
  await requireScope(ctx, 'workspace:read-own', {
    action: 'request.denied',
    resource: { type: 'policy', id: null, name: 'GET /me/quota' },
  });
  const [standing, ask] = await Promise.all([standingOf(ctx, ctx.actor.id), store.findGivers(ctx.db, ctx.now().toISOString(), ASKED)]);
  return { ...inForceOf(standing, 'you'), ask };
}

async function standingOf(ctx: Pick<UserContext, 'db' | 'now'>, userId: string): Promise<store.QuotaStanding> {
  const [entries, used] = await ctx.db.batch(store.standingOf(ctx.db, userId, ctx.now().toISOString()));
  return store.standingFrom(entries, used);
}

function inForceOf({ entries, used }: store.QuotaStanding, whom: string): UserQuota['inForce'] {
  const of = (field: QuotaField) => {
    const allowance = allowanceOf(field, entries);
    return { ...allowance, used: used[field], why: allowanceWords(field, allowance, whom) };
  };
  return { workspaces: of('workspaces'), running: of('running') };
}

/**
 * Replaces what a level says, if it is still what the caller saw. Nobody's workspaces are stopped or deleted by it.
 * @throws AppError `permission-denied`, `not-found`, `stale-version`
 */
export async function changeQuota(ctx: UserContext, level: Level, revision: number, values: QuotaPut): Promise<void> {
  const name = await requireLevel(ctx, level, MANAGES);
  const before = await store.findQuota(ctx.db, level);
  const changed = diff(RULES, before.values, values);
  if (changed.length === 0 && before.revision === revision) return;
  const event = eventOf(ctx, { action: `${level.type}.quota`, resource: resourceOf(ctx, level, name), status: 200, diff: changed });
  const guard = store.storeQuota(ctx.db.tenantId, level, { values, revision, by: ctx.actor.id, now: ctx.now().toISOString() });
  await onGuard(
    commit(ctx, { guard, events: [event] }),
    () => new AppError('stale-version', 'Somebody changed this quota in the meantime. Load it again and repeat your change.'),
  );
}

/** Who would have more than a change allows. */
export async function previewQuota(ctx: UserContext, level: Level, values: QuotaPut): Promise<QuotaPreview> {
  const name = await requireLevel(ctx, level, MANAGES);
  const now = ctx.now().toISOString();
  const people = await store.findConcerned(ctx.db, level, now, PREVIEWED + 1);
  const looked = people.slice(0, PREVIEWED);
  const answers = looked.length === 0 ? [] : await ctx.db.batch(looked.flatMap(({ id }) => store.standingOf(ctx.db, id, now)));
  const next: QuotaEntry = { subject: { ...level, name }, ...values };
  const isLevel = ({ subject }: QuotaEntry) => subject.type === level.type && subject.id === level.id;
  const over = looked.flatMap((user, index) => {
    const { entries, used } = store.standingFrom(answers[2 * index], answers[2 * index + 1]);
    const after = [...entries.filter((entry) => !isLevel(entry)), next];
    return QUOTA_FIELDS.flatMap((field) => {
      const [was, will] = [allowanceOf(field, entries).limit, allowanceOf(field, after).limit];
      const isLess = will !== null && (was === null || will < was);
      return isLess && used[field] > will ? [{ user, field, used: used[field], limit: will }] : [];
    });
  });
  return { over, truncated: people.length > PREVIEWED };
}

/**
 * Why somebody may not have, or run, one more; null when they may. For after a guard has refused: it decides nothing.
 * @param counts what the caller was about to make
 */
export async function quotaRefusal(ctx: UserContext, counts: readonly QuotaField[]): Promise<AppError | null> {
  const { entries, used } = await standingOf(ctx, ctx.actor.id);
  for (const field of counts) {
    const allowance = allowanceOf(field, entries);
    if (allowance.limit === null || used[field] < allowance.limit) continue;
    const { people } = await store.findGivers(ctx.db, ctx.now().toISOString(), ASKED);
    const names = people.map(({ name }) => name).join(', ');
    return new AppError('quota-exceeded', `${refusalWords(field, allowance, used[field])}${names === '' ? '' : `: ${names}`}.`);
  }
  return null;
}
