import { explainTemplateAccess, type AccessPath as Path } from '@gatehouse/core/access/explain.ts';
import type { AccessPath, Explanation } from '@gatehouse/core/api/access.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { refuse, requireScope } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { findExplained, findTaken, hasWorkspaceFrom } from './explain.store.ts';
import { findTemplateAccess, type TemplateAccess } from './template-access.ts';

/** Names that somebody who is refused is told. */
const ASKED = 5;

const missing = () => new AppError('not-found', 'There is no such template');

/**
 * What somebody can do with a template, by every way that gives it, and whom to ask for more. Of themselves everybody learns
 * it who sees the template or has a workspace from it; of others its administrators and who may review access.
 * @throws AppError `not-found`, `permission-denied`
 */
export async function explainTemplate(ctx: UserContext, templateId: string, userId: string = ctx.actor.id): Promise<Explanation> {
  await requireScope(ctx, 'template:read', { action: 'access.explain', resource: { type: 'template', id: templateId, name: templateId } });
  const template = await findTemplateAccess(ctx, templateId);
  if (!template) throw missing();
  const reviewer = template.role === 'admin' || ctx.actor.permissions.has('access:review');
  if (userId === ctx.actor.id) {
    const mayKnow = reviewer || template.role !== null || (await hasWorkspaceFrom(ctx, templateId));
    if (!mayKnow) throw missing();
  } else if (!reviewer) {
    if (template.role === null) throw missing();
    const facts = { action: 'access.explain' as const, resource: { type: 'template' as const, id: templateId, name: template.name } };
    return refuse(ctx, facts, `This needs the role “admin” on template ${template.name}, or the permission access:review`);
  }
  return explained(ctx, template, userId);
}

/** The caller's own explanation for a workspace's template, and what took their last connection away. */
export async function explainWorkspace(
  ctx: UserContext,
  workspace: { id: string; templateId: string },
): Promise<Explanation & { taken: { cause: string; at: string } | null }> {
  const template = await findTemplateAccess(ctx, workspace.templateId);
  if (!template) throw missing();
  const [explanation, taken] = await Promise.all([explained(ctx, template, ctx.actor.id), findTaken(ctx, workspace.id)]);
  return { ...explanation, taken };
}

async function explained(ctx: UserContext, template: TemplateAccess, userId: string): Promise<Explanation> {
  const found = await findExplained(ctx, template.id, userId, ASKED);
  if (!found) throw new AppError('not-found', 'There is no such person');
  const { person, closure, ask, requestId } = found;
  const { memberships, givenRoles, names } = closure;
  const entries = closure.entries.get(template.id) ?? [];
  const facts = { userId, active: person.active, memberships, entries, givenRoles };
  const { role, paths, ended, truncated, until } = explainTemplateAccess(facts, ctx.now().toISOString());
  return {
    template: { id: template.id, name: template.name },
    user: person,
    ...{ role, truncated, until, ask, requestId },
    paths: paths.map((path) => withNames(path, names)),
    ended: ended.map((path) => withNames(path, names)),
  };
}

/** A path as people read it. @param names of groups and roles */
export const withNames = (path: Path, names: ReadonlyMap<string, string>): AccessPath => ({
  ...path,
  by: path.by.kind === 'role' ? { ...path.by, name: names.get(path.by.role) ?? path.by.role } : path.by,
  groups: path.groups.map(({ id, expiresAt }) => ({ id, name: names.get(id) ?? id, expiresAt })),
});
