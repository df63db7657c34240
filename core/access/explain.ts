import {
  effectiveTemplateRole,
  groupClosure,
  isInForce,
  TEMPLATE_ROLES,
  type AclEntry,
  type Membership,
  type TemplateRole,
} from './template-acl.ts';

/** A tenant-wide role that was given to the person or to one of their groups. */
export interface GivenRole {
  id: string;
  role: string;
  /** whether the role administers every template */
  administers: boolean;
  subject: { type: 'user' | 'group'; id: string };
  expiresAt: string | null;
}

/** An entry of the template's list; `grantId` names the approved request that made it. */
export type ExplainedEntry = AclEntry & { grantId: string | null };

/** All that decides what one person may do with one template. Rows of others may be among it and change nothing. */
export interface AccessFacts {
  userId: string;
  /** only active people have access */
  active: boolean;
  memberships: readonly Membership[];
  entries: readonly ExplainedEntry[];
  givenRoles: readonly GivenRole[];
}

/** One group on a way, and when being in it ends, for what comes before it on the way. */
export interface Step {
  id: string;
  expiresAt: string | null;
}

/** One way from the person to a role: through these groups, the innermost first, to what names the last of them. */
export interface AccessPath {
  role: TemplateRole;
  groups: Step[];
  by:
    | { kind: 'entry'; subject: 'user' | 'group' | 'everyone'; grantId: string | null }
    | { kind: 'role'; role: string; assignmentId: string };
  /** the earliest end along the way */
  expiresAt: string | null;
}

export interface Explanation {
  role: TemplateRole | null;
  /** every way that counts now, the mightiest first */
  paths: AccessPath[];
  /** ways that have ended */
  ended: AccessPath[];
  /** there are more ways than are listed; the role is right nonetheless */
  truncated: boolean;
  /** when the role ends, unless something gives it anew; null: no end in sight */
  until: string | null;
}

/** Nested groups can make a number of ways that nobody reads. */
export const MAX_PATHS = 100;

/** What the person may do with the template, and every way that gives it. */
export function explainTemplateAccess(facts: AccessFacts, now: string): Explanation {
  // Ways that have ended are looked for apart: they must not stand in the place of those that count.
  const current = facts.memberships.filter(({ expiresAt }) => isInForce(expiresAt, now));
  const [standing, all] = [pathsOf(facts, current), pathsOf(facts, facts.memberships)];
  const counts = ({ expiresAt }: AccessPath) => facts.active && isInForce(expiresAt, now);
  const paths = standing.paths.filter(counts);
  const role = roleOf(facts, now);
  return {
    role,
    paths: paths.slice(0, MAX_PATHS),
    ended: all.paths.filter((path) => !counts(path)).slice(0, MAX_PATHS),
    truncated: standing.truncated || all.truncated || all.paths.length > MAX_PATHS,
    until: role === null ? null : latest(paths.filter((path) => path.role === role).map(({ expiresAt }) => expiresAt)),
  };
}

function pathsOf(facts: AccessFacts, memberships: readonly Membership[]): { paths: AccessPath[]; truncated: boolean } {
  const ways = waysTo(facts.userId, memberships);
  return { paths: [...entryPaths(facts, ways.of), ...rolePaths(facts, ways.of)].sort(mightiestFirst), truncated: ways.truncated() };
}

/** The role alone does not come from the listed ways: those may be cut. */
function roleOf(facts: AccessFacts, now: string): TemplateRole | null {
  if (!facts.active) return null;
  const groups = groupClosure(facts.userId, facts.memberships, now);
  const adminOfAll = facts.givenRoles.some(
    ({ administers, subject, expiresAt }) =>
      administers && isInForce(expiresAt, now) && (subject.type === 'user' ? subject.id === facts.userId : groups.has(subject.id)),
  );
  return effectiveTemplateRole(facts.entries, { userId: facts.userId, groups, adminOfAll }, now);
}

function entryPaths({ userId, entries }: AccessFacts, waysOf: (groupId: string) => Step[][]): AccessPath[] {
  return entries.flatMap(({ subject, role, expiresAt, grantId }) => {
    const path = { role, by: { kind: 'entry' as const, subject: subject.type, grantId }, expiresAt };
    switch (subject.type) {
      case 'everyone':
        return [{ ...path, groups: [] }];
      case 'user':
        return subject.id === userId ? [{ ...path, groups: [] }] : [];
      case 'group':
        return waysOf(subject.id).map((groups) => ({ ...path, groups, expiresAt: earliest([expiresAt, ...endsOf(groups)]) }));
    }
  });
}

function rolePaths({ userId, givenRoles }: AccessFacts, waysOf: (groupId: string) => Step[][]): AccessPath[] {
  return givenRoles
    .filter(({ administers }) => administers)
    .flatMap(({ id, role, subject, expiresAt }) => {
      const path = { role: 'admin' as const, by: { kind: 'role' as const, role, assignmentId: id }, expiresAt };
      if (subject.type === 'user') return subject.id === userId ? [{ ...path, groups: [] }] : [];
      return waysOf(subject.id).map((groups) => ({ ...path, groups, expiresAt: earliest([expiresAt, ...endsOf(groups)]) }));
    });
}

/** The ways from a person to each group that they are in, shortest first. */
function waysTo(userId: string, memberships: readonly Membership[]) {
  const parents = new Map<string, Step[]>();
  for (const { groupId, memberType, memberId, expiresAt } of memberships) {
    const member = `${memberType} ${memberId}`;
    parents.set(member, [...(parents.get(member) ?? []), { id: groupId, expiresAt }]);
  }
  const found = new Map<string, Step[][]>();
  let cut = false;
  let level: Step[][] = (parents.get(`user ${userId}`) ?? []).map((step) => [step]);
  while (level.length > 0) {
    const next: Step[][] = [];
    for (const way of level) {
      const last = way.at(-1)?.id ?? '';
      const known = found.get(last) ?? [];
      // As many ways as are shown end at this group: longer ones through it are not followed.
      if (known.length >= MAX_PATHS) {
        cut = true;
        continue;
      }
      found.set(last, [...known, way]);
      for (const parent of parents.get(`group ${last}`) ?? []) if (!way.some(({ id }) => id === parent.id)) next.push([...way, parent]);
    }
    level = next;
  }
  return { of: (groupId: string) => found.get(groupId) ?? [], truncated: () => cut };
}

const rank = (role: TemplateRole) => TEMPLATE_ROLES.indexOf(role);
const mightiestFirst = (a: AccessPath, b: AccessPath) => rank(b.role) - rank(a.role) || a.groups.length - b.groups.length;

const endsOf = (way: readonly Step[]) => way.map(({ expiresAt }) => expiresAt);

/** The first of these ends; null when none of them has one. */
const earliest = (ends: Array<string | null>): string | null => ends.filter((end) => end !== null).sort()[0] ?? null;

/** The last of these ends; null when one of them has none. */
function latest(ends: Array<string | null>): string | null {
  return ends.includes(null)
    ? null
    : (ends
        .filter((end) => end !== null)
        .sort()
        .at(-1) ?? null);
}
