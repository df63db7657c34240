/** What a template's access list grants. The Worker's SQL is tested against these functions. */

export const TEMPLATE_ROLES = ['view', 'use', 'admin'] as const;
export type TemplateRole = (typeof TEMPLATE_ROLES)[number];
const RANK: Record<TemplateRole, number> = { view: 0, use: 1, admin: 2 };

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
  /** ISO time at which it stops counting; null for good */
  expiresAt: string | null;
}

/** A group that somebody or something is in itself. */
type Place = Pick<Membership, 'groupId' | 'expiresAt'>;
/** The groups that each member is in itself. */
export interface MembershipIndex {
  ofUser: ReadonlyMap<string, readonly Place[]>;
  ofGroup: ReadonlyMap<string, readonly Place[]>;
}

/** For whoever asks more than once of the same memberships. */
export function indexMemberships(memberships: readonly Membership[]): MembershipIndex {
  const index = { user: new Map<string, Place[]>(), group: new Map<string, Place[]>() };
  for (const membership of memberships) {
    const { memberType, memberId } = membership;
    const places = index[memberType].get(memberId);
    if (places) places.push(membership);
    else index[memberType].set(memberId, [membership]);
  }
  return { ofUser: index.user, ofGroup: index.group };
}

/** Every group that the user is in at that moment, directly or through other groups; circles end the walk, and are harmless. */
export function groupClosure(userId: string, memberships: readonly Membership[] | MembershipIndex, now: string): Set<string> {
  const { ofUser, ofGroup } = 'ofUser' in memberships ? memberships : indexMemberships(memberships);
  const found = new Set<string>();
  const enter = (places: readonly Place[] | undefined) => {
    if (places !== undefined) for (const { groupId, expiresAt } of places) if (isInForce(expiresAt, now)) found.add(groupId);
  };
  enter(ofUser.get(userId));
  // A set is walked in the order of adding, also over what is added on the way.
  for (const groupId of found) enter(ofGroup.get(groupId));
  return found;
}

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
    const own = RANK[role];
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
  return role !== null && RANK[role] >= RANK[needed];
}
