import { permissionsOf, type Permission } from '@gatehouse/core/access/permissions.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import { AppError, type FieldError } from '@gatehouse/core/errors.ts';
import { refuse, type EventFacts } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { insertAssignment } from './assignments.store.ts';
import { findOffered, insertOfferedMember, type OfferedGroup } from './offers.store.ts';
import { findPersonById } from './people.ts';
import { grantableBy, heldWith, roleName, type NamedRole } from './role-grants.ts';
import type { HeldRoles } from './roles.ts';

/** What an invitation gives whoever accepts it: roles and places in groups, until then. */
export interface Offer {
  roles: readonly string[];
  groups: readonly string[];
  endsAt: string | null;
}

/** Whoever gives: what they may, and what is against it in words. */
type Giver = ReadonlySet<Permission>;
const againstRole = (giver: Giver, role: NamedRole): string | null =>
  grantableBy(giver, role) ? null : 'Nobody can give a role that may more than they may themselves';
function againstGroup(giver: Giver, { name, isLocal, manages, roles }: OfferedGroup): string | null {
  if (!isLocal) return `Group ${name} is kept by the identity provider`;
  if (!manages && !giver.has('group:update')) return `Group ${name} has members that somebody else edits`;
  const beyond = roles.find((role) => !grantableBy(giver, role));
  return beyond ? `Group ${name} gives the role ${roleName(beyond)}, which may more than they may themselves` : null;
}

const namedRole = (id: string, custom: ReadonlyMap<string, NamedRole>): NamedRole | undefined =>
  builtInRole.safeParse(id).success ? { role: id, name: null, permissions: null } : custom.get(id);

/**
 * What the caller may give directly, they may offer, and nothing else.
 * @throws AppError `invalid` for what is not there and for an end that has passed; `permission-denied`, an event
 */
export async function requireOfferable(ctx: UserContext, facts: Pick<EventFacts, 'action' | 'resource'>, offer: Offer): Promise<void> {
  const now = ctx.now().toISOString();
  const found = await findOffered(ctx.db, offer, ctx.actor.id, now);
  const errors: FieldError[] = [
    ...offer.roles.flatMap((id, at) =>
      namedRole(id, found.roles) ? [] : [{ path: `roles.${at}`, message: 'is no role of this organisation' }],
    ),
    ...offer.groups.flatMap((id, at) =>
      found.groups.has(id) ? [] : [{ path: `groups.${at}`, message: 'is no group of this organisation' }],
    ),
    ...(offer.endsAt !== null && offer.endsAt <= now ? [{ path: 'accessEndsAt', message: 'must be in the future' }] : []),
  ];
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
  const against = [
    ...offer.roles.map((id) => namedRole(id, found.roles)).map((role) => role && againstRole(ctx.actor.permissions, role)),
    ...[...found.groups.values()].map((group) => againstGroup(ctx.actor.permissions, group)),
  ].find((reason) => typeof reason === 'string');
  if (typeof against === 'string') await refuse(ctx, facts, against);
}

/** What of an offer is given in the end. */
export interface Settled {
  roles: NamedRole[];
  groups: OfferedGroup[];
  endsAt: string | null;
  /** what is not, in words */
  leftOut: string[];
}

/** What of an offer still holds: that is there, whose end has not passed, and that whoever made it may give now. */
export async function settleOffer(db: TenantDb, offer: Offer, giverId: string, now: string): Promise<Settled> {
  const [found, giver] = await Promise.all([findOffered(db, offer, giverId, now), findPersonById(db, giverId, now)]);
  const may: Giver = giver?.state === 'active' ? permissionsOf(giver.roles, giver.customRoles) : new Set();
  const isOver = offer.endsAt !== null && offer.endsAt <= now;
  const manages = giver?.state === 'active';
  const settled: Settled = { roles: [], groups: [], endsAt: offer.endsAt, leftOut: [] };
  for (const id of offer.roles) {
    const role = namedRole(id, found.roles);
    if (role && !isOver && againstRole(may, role) === null) settled.roles.push(role);
    else settled.leftOut.push(`role ${role ? roleName(role) : id}`);
  }
  for (const id of offer.groups) {
    const group = found.groups.get(id);
    if (group && !isOver && againstGroup(may, { ...group, manages: group.manages && manages }) === null) settled.groups.push(group);
    else settled.leftOut.push(`group ${group?.name ?? id}`);
  }
  return settled;
}

/** The roles that somebody has who gets all that, also through the groups. */
export function heldBy({ roles, groups }: Pick<Settled, 'roles' | 'groups'>): HeldRoles {
  const all = new Map([...roles, ...groups.flatMap((group) => group.roles)].map((role) => [role.role, role]));
  return heldWith([...all.values()]);
}

/** The statements that give it, after those that make the person. */
export function givingRows(
  ctx: Pick<Services, 'newId'> & { db: TenantDb },
  userId: string,
  { roles, groups, endsAt }: Settled,
  given: { by: string; now: string },
): Statement[] {
  return [
    ...roles.map(({ role }) =>
      insertAssignment(ctx.db, {
        ...{ id: ctx.newId('roleAssignment'), role, subject: { type: 'user', id: userId }, expiresAt: endsAt },
        ...given,
      }),
    ),
    ...groups.map(({ id }) => insertOfferedMember(ctx.db, id, userId, endsAt)),
  ];
}
