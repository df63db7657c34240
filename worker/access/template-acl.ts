import type { z } from 'zod';
import type { aclEntry, aclPut, aclShown } from '@gatehouse/core/api/templates.ts';
import { diffEntries, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError, type FieldError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { findAcl, findKnown, idOf, replaceEntries } from './template-acl.store.ts';
import { accessTo } from './template-access.ts';

type Entry = z.output<typeof aclEntry>;

const keyOf = ({ subject, grantId }: Entry) =>
  [subject.type, ...(subject.type === 'everyone' ? [] : [subject.id]), ...(grantId === null ? [] : [grantId])].join(' ');

/** Everyone first, then by name. */
export async function readAcl(ctx: UserContext, templateId: string): Promise<{ acl: z.infer<typeof aclShown>; revision: number }> {
  const { aclRevision } = await accessTo(ctx, templateId, 'admin', 'template.read');
  return { acl: await findAcl(ctx, templateId), revision: aclRevision };
}

/**
 * Replaces the whole list, if it is still the one that the caller saw.
 * @throws AppError `stale-version`; `invalid` when a subject is named twice or is not in the organisation
 */
export async function replaceAcl(ctx: UserContext, templateId: string, revision: number, input: z.output<typeof aclPut>): Promise<void> {
  const template = await accessTo(ctx, templateId, 'admin', 'template.acl.update');
  const before = (await findAcl(ctx, templateId)).items;
  const items = input.items.map(withExactEnd);
  await checkAcl(ctx, before, items);
  const event = eventOf(ctx, {
    action: 'template.acl.update',
    resource: { type: 'template', id: templateId, name: template.name },
    status: 200,
    diff: aclDiff(before, items),
  });
  await onGuard(
    commit(ctx, {
      ...replaceEntries(ctx, templateId, revision, items),
      events: [event],
      lessens: { users: 'everybody', cause: `Who may use template ${template.name} changed` },
    }),
    () =>
      new AppError('stale-version', 'Somebody changed who may use this template in the meantime. Load it again and repeat your change.'),
  );
}

/** Times are compared as text, so all have milliseconds. */
export const withExactEnd = (entry: Entry): Entry => ({
  ...entry,
  expiresAt: entry.expiresAt === null ? null : new Date(entry.expiresAt).toISOString(),
});

/** @throws AppError `invalid` with the entry: named twice, nobody here, or a grant that nobody approved */
export async function checkAcl(ctx: UserContext, before: readonly Entry[], items: readonly Entry[]): Promise<void> {
  const keys = items.map(keyOf);
  const ids = await findKnown(
    ctx,
    items.map(({ subject }) => idOf(subject)),
  );
  const grants = new Map(before.filter(({ grantId }) => grantId !== null).map((entry) => [keyOf(entry), entry]));
  const errors = items.flatMap((entry, index): FieldError[] => {
    if (keys.indexOf(keys[index] ?? '') < index) return [{ path: `items.${index}.subject`, message: 'is named twice' }];
    if (entry.subject.type !== 'everyone' && !ids.has(entry.subject.id))
      return [{ path: `items.${index}.subject.id`, message: 'is nobody in this organisation' }];
    return entry.grantId === null ? [] : grantErrors(entry, grants.get(keyOf(entry)), `items.${index}`);
  });
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
}

/** A grant is what somebody approved: it can end earlier, and nothing else of it can be written. */
function grantErrors(entry: Entry, granted: Entry | undefined, path: string): FieldError[] {
  if (!granted) return [{ path: `${path}.grantId`, message: 'is no grant of that person that is in force' }];
  if (entry.role !== granted.role) return [{ path: `${path}.role`, message: 'can’t be changed: somebody approved it as it is' }];
  const later = entry.expiresAt === null || entry.expiresAt > (granted.expiresAt ?? '');
  return later ? [{ path: `${path}.expiresAt`, message: 'can’t be later than what was approved' }] : [];
}

const entryRules: FieldRules<Pick<Entry, 'role' | 'expiresAt'>> = { role: 'tracked', expiresAt: 'tracked' };
const byKey = (items: readonly Entry[]) => new Map(items.map((entry) => [keyOf(entry), entry]));
/** One change for each subject whose entry came, went or became another. */
const aclDiff = (before: readonly Entry[], after: readonly Entry[]): AuditChange[] =>
  diffEntries('acl.', entryRules, byKey(before), byKey(after));
