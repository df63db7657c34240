import { ancestors, type GroupEdge } from './groups.ts';
import { connectAccess } from './workspace-access.ts';
import { effectiveTemplateRole, TEMPLATE_ROLES, type AclEntry, type TemplateRole } from './template-acl.ts';

/** Who is in which group, what each template's list says, and who administers them all: at one moment. */
export interface World {
  /** groups in groups, by memberships in force */
  nesting: readonly GroupEdge[];
  /** by person, the groups that they are in themselves, by memberships in force */
  groupsOf: ReadonlyMap<string, readonly string[]>;
  /** by template */
  entries: ReadonlyMap<string, readonly AclEntry[]>;
  /** unexpired assignments of roles that administer every template */
  administrators: ReadonlyArray<{ type: 'user' | 'group'; id: string }>;
}

/** One person's role on one template before and after; `templateId` is null for "administers every template". */
export interface AccessChange {
  userId: string;
  templateId: string | null;
  before: TemplateRole | null;
  after: TemplateRole | null;
}

export interface OpenConnection {
  id: string;
  userId: string;
  templateId: string;
  mine: boolean;
}

/** What changes for these people on these templates, and which of their open connections end. */
export function compareWorlds(
  before: World,
  after: World,
  among: { people: readonly string[]; templates: readonly string[]; connections: readonly OpenConnection[] },
  now: string,
): { changes: AccessChange[]; ending: OpenConnection[] } {
  const [old, next] = [rolesIn(before, now), rolesIn(after, now)];
  const changes = among.people.flatMap((userId): AccessChange[] => {
    const [ruled, rules] = [old.administers(userId), next.administers(userId)];
    if (ruled && rules) return [];
    if (ruled !== rules) return [{ userId, templateId: null, before: ruled ? 'admin' : null, after: rules ? 'admin' : null }];
    return among.templates
      .map((templateId) => ({ userId, templateId, before: old.role(userId, templateId), after: next.role(userId, templateId) }))
      .filter((change) => change.before !== change.after);
  });
  const ending = among.connections.filter(
    ({ userId, templateId, mine }) =>
      connectAccess(mine, old.role(userId, templateId)) !== null && connectAccess(mine, next.role(userId, templateId)) === null,
  );
  return { changes, ending };
}

/** Whether a change gives more; false: less. */
export function gains({ before, after }: Pick<AccessChange, 'before' | 'after'>): boolean {
  const rank = (role: TemplateRole | null) => (role === null ? -1 : TEMPLATE_ROLES.indexOf(role));
  return rank(after) > rank(before);
}

/** Roles in one world. Closures of groups and roles of people with the same groups are made out once. */
function rolesIn(world: World, now: string) {
  const above = new Map<string, ReadonlySet<string>>();
  const closures = new Map<string, ReadonlySet<string>>();
  const roles = new Map<string, TemplateRole | null>();
  const parentsOf = (groupId: string) => {
    const known = above.get(groupId) ?? ancestors(groupId, world.nesting);
    above.set(groupId, known);
    return known;
  };
  const closureOf = (userId: string) => {
    const direct = world.groupsOf.get(userId) ?? [];
    const key = [...direct].sort().join(' ');
    const known = closures.get(key) ?? new Set(direct.flatMap((groupId) => [...parentsOf(groupId)]));
    closures.set(key, known);
    return { key, groups: known };
  };
  const administers = (userId: string) => {
    const { groups } = closureOf(userId);
    return world.administrators.some(({ type, id }) => (type === 'user' ? id === userId : groups.has(id)));
  };
  return {
    administers,
    role(userId: string, templateId: string): TemplateRole | null {
      if (administers(userId)) return 'admin';
      const entries = world.entries.get(templateId) ?? [];
      const { key, groups } = closureOf(userId);
      const named = entries.some(({ subject }) => subject.type === 'user' && subject.id === userId);
      const memo = named ? `${templateId} ${userId}` : `${templateId}:${key}`;
      const known = roles.get(memo);
      if (known !== undefined) return known;
      const role = effectiveTemplateRole(entries, { userId, groups, adminOfAll: false }, now);
      roles.set(memo, role);
      return role;
    },
  };
}
