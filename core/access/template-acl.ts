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

/** By member (`user usr_…`, `group grp_…`), the groups that it is in itself. */
export type MembershipIndex = ReadonlyMap<string, readonly string[]>;

/** For whoever asks more than once of the same memberships. */
export function indexMemberships(memberships: readonly Membership[]): MembershipIndex {
  const index = new Map<string, string[]>();
  for (const { groupId, memberType, memberId } of memberships) {
    const member = `${memberType} ${memberId}`;
    const groups = index.get(member);
    if (groups) groups.push(groupId);
    else index.set(member, [groupId]);
  }
  return index;
}

/** Every group that the user is in, directly or through other groups; circles end the walk, and are harmless. */
export function groupClosure(userId: string, memberships: readonly Membership[] | MembershipIndex): Set<string> {
  const index = isIndex(memberships) ? memberships : indexMemberships(memberships);
  const found = new Set(index.get(`user ${userId}`));
  // A set is walked in the order of adding, also over what is added on the way.
  for (const groupId of found) for (const parent of index.get(`group ${groupId}`) ?? []) found.add(parent);
  return found;
}

const isIndex = (memberships: readonly Membership[] | MembershipIndex): memberships is MembershipIndex => memberships instanceof Map;

/** Whether what ends then still counts now. It ends with its last moment: at that very time it is over. */
export const isInForce = (expiresAt: string | null, now: string): boolean => expiresAt === null || expiresAt > now;

/** The highest role among the unexpired entries that name the user, one of their groups, or everyone. */
export function effectiveTemplateRole(
  entries: readonly AclEntry[],
  who: { userId: string; groups: ReadonlySet<string>; adminOfAll: boolean },
  now: string,
): TemplateRole | null {
  if (who.adminOfAll) return 'admin';
  let rank = -1;
  for (const { subject, role, expiresAt } of entries) {
    const own = TEMPLATE_ROLES.indexOf(role);
    if (own > rank && isInForce(expiresAt, now) && names(subject, who)) rank = own;
  }
  return TEMPLATE_ROLES[rank] ?? null;
}

function names(subject: AclSubject, who: { userId: string; groups: ReadonlySet<string> }): boolean {
  switch (subject.type) {
    case 'everyone':
      return true;
    case 'user':
      return subject.id === who.userId;
    case 'group':
      return who.groups.has(subject.id);
  }
}

export function atLeast(role: TemplateRole | null, needed: TemplateRole): boolean {
  return role !== null && TEMPLATE_ROLES.indexOf(role) >= TEMPLATE_ROLES.indexOf(needed);
}
