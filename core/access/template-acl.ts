/** What a template's access list grants. The Worker's SQL is tested against these functions. */

export const TEMPLATE_ROLES = ['view', 'use', 'admin'] as const;
export type TemplateRole = (typeof TEMPLATE_ROLES)[number];

export type AclSubject = { type: 'user'; id: string } | { type: 'group'; id: string } | { type: 'everyone' };

export interface AclEntry {
  subject: AclSubject;
  role: TemplateRole;
  /** ISO time at which the entry stops counting; null for good */
  expiresAt: string | null;
}

export interface Membership {
  groupId: string;
  memberType: 'user' | 'group';
  memberId: string;
}

/** Every group that the user is in, directly or through other groups. */
export function groupClosure(userId: string, memberships: readonly Membership[]): Set<string> {
  const found = new Set<string>();
  const queue: Array<{ type: 'user' | 'group'; id: string }> = [{ type: 'user', id: userId }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const { groupId, memberType, memberId } of memberships) {
      if (memberType !== next.type || memberId !== next.id || found.has(groupId)) continue;
      found.add(groupId);
      queue.push({ type: 'group', id: groupId });
    }
  }
  return found;
}

/** The highest role among the unexpired entries that name the user, one of their groups, or everyone. */
export function effectiveTemplateRole(
  entries: readonly AclEntry[],
  who: { userId: string; groups: ReadonlySet<string>; adminOfAll: boolean },
  now: string,
): TemplateRole | null {
  if (who.adminOfAll) return 'admin';
  const rank = Math.max(
    -1,
    ...entries
      .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
      .filter(({ subject }) => {
        switch (subject.type) {
          case 'everyone':
            return true;
          case 'user':
            return subject.id === who.userId;
          case 'group':
            return who.groups.has(subject.id);
        }
      })
      .map(({ role }) => TEMPLATE_ROLES.indexOf(role)),
  );
  return TEMPLATE_ROLES[rank] ?? null;
}

export function atLeast(role: TemplateRole | null, needed: TemplateRole): boolean {
  return role !== null && TEMPLATE_ROLES.indexOf(role) >= TEMPLATE_ROLES.indexOf(needed);
}
