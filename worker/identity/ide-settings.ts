import { type ChosenIdeSettings, IDE_SETTINGS, type IdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { findIdeSettings, storeIdeSettings, type StoredIdeSettings } from './ide-settings.store.ts';

/** One's own settings need no permission, but a session: dotfiles are a program that runs in one's workspaces. */

/** How far somebody is with their first steps is nobody else's business. */
const RULES = Object.fromEntries(IDE_SETTINGS.map((name) => [name, name === 'tour' ? 'ignored' : 'tracked'])) as FieldRules<IdeSettings>;

export async function readIdeSettingsOf(asking: UserContext): Promise<StoredIdeSettings> {
  const resource = { type: 'policy', id: null, name: 'GET /me/ide-settings' } as const;
  const ctx = await requireSession(asking, { action: 'request.denied', resource });
  return findIdeSettings(ctx.db, ctx.actor.id);
}

/**
 * Replaces what somebody chose, if it is still what their page saw. A page that saw less merges, then asks again.
 * @throws AppError `browser-only`, `stale-version`
 */
export async function changeIdeSettings(asking: UserContext, revision: number, settings: ChosenIdeSettings): Promise<StoredIdeSettings> {
  const resource = { type: 'user', id: asking.actor.id, name: asking.actor.name } as const;
  const facts = { action: 'ide_settings.update', resource } as const;
  const ctx = await requireSession(asking, facts);
  const before = await findIdeSettings(ctx.db, ctx.actor.id);
  const changed = diff(RULES, before.settings as IdeSettings, settings as IdeSettings);
  const guard = storeIdeSettings(ctx.db, ctx.actor.id, { settings, revision, now: ctx.now().toISOString() });
  await onGuard(commit(ctx, { guard, events: [eventOf(ctx, { ...facts, status: 200, diff: changed })] }), stale);
  return { settings, revision: revision + 1 };
}

const stale = () => new AppError('stale-version', 'They were changed in another browser in the meantime');
