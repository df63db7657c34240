import type { z } from 'zod';
import { MOST_SECRETS, type templateSecretList, type templateSecretsChange } from '@gatehouse/core/api/template-secrets.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import * as store from './template-secrets.store.ts';
import { touchTemplate } from './templates.store.ts';
import { resourceOf, stale, templateFor } from './templates.ts';

type Shown = z.infer<typeof templateSecretList>;

/** Names, and who set them when. A value is never read back by anybody. */
export async function listSecrets(ctx: UserContext, templateId: string): Promise<Shown> {
  await templateFor(ctx, templateId, 'admin', 'template.read');
  return shown(ctx, templateId);
}

/** Sets, replaces and removes; what runs gets it at its next start. The event tells the names. */
export async function changeSecrets(
  ctx: UserContext,
  templateId: string,
  { items }: z.infer<typeof templateSecretsChange>,
): Promise<Shown> {
  const template = await templateFor(ctx, templateId, 'admin', 'template.secrets.update');
  const before = new Set((await store.findSecrets(ctx.db, templateId)).map(({ name }) => name));
  const unknown = items.findIndex(({ name, secret }) => secret === null && !before.has(name));
  if (unknown >= 0)
    throw new AppError('invalid', 'There is no such secret', { errors: [{ path: `items.${unknown}.name`, message: 'is not there' }] });
  const after = new Set([...before, ...items.map(({ name }) => name)]);
  for (const { name, secret } of items) if (secret === null) after.delete(name);
  if (after.size > MOST_SECRETS) throw new AppError('quota-exceeded', `A template has at most ${MOST_SECRETS} secrets`);
  const facts = { templateId, setBy: ctx.actor.id, setAt: ctx.now().toISOString() };
  const changes = await Promise.all(
    items.map(async ({ name, secret }) => {
      if (secret === null) return store.dropSecret(ctx.db.tenantId, templateId, name);
      const sealed = await ctx.secrets.seal(ctx.db, store.secretAddress(templateId, name), secret);
      return store.putSecret(ctx.db.tenantId, { ...facts, name, sealed });
    }),
  );
  const event = eventOf(ctx, {
    ...{ action: 'template.secrets.update', resource: resourceOf(template), status: 200 },
    diff: items.map(({ name }) => ({ path: `secrets.${name}`, old: null, new: null, secret: true })),
    details: {
      set: items.flatMap(({ name, secret }) => (secret === null ? [] : [name])).join(', '),
      removed: items.flatMap(({ name, secret }) => (secret === null ? [name] : [])).join(', '),
    },
  });
  const guard = touchTemplate(ctx.db.tenantId, templateId, template.revision);
  await onGuard(commit(ctx, { guard, changes, events: [event] }), stale);
  return shown(ctx, templateId);
}

async function shown(ctx: UserContext, templateId: string): Promise<Shown> {
  const rows = await store.findSecrets(ctx.db, templateId);
  return { items: rows.map((row) => ({ name: row.name, setAt: row.set_at, setBy: row.set_by })) };
}
