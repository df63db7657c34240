import * as fc from 'fast-check';
import { PERMISSIONS, type Permission } from '../../../core/access/permissions.ts';
import { TEMPLATE_ROLES, type AclSubject, type Membership } from '../../../core/access/template-acl.ts';
import type { World } from './reference.ts';

export const USERS = ['usr_a', 'usr_b', 'usr_c'];
/** Six floors of two groups: a group holds groups of the floors below it, so none contains itself, and diamonds abound. */
const FLOORS = 6;
const groupOn = (floor: number, place: number) => `grp_${floor}${place}`;
export const GROUPS = Array.from({ length: FLOORS * 2 }, (_, index) => groupOn(index >> 1, index & 1));

/** The moment of all questions, with a millisecond on either side of it. */
export const NOW = '2026-06-01T12:00:00.000Z';
const BEFORE = '2026-06-01T11:59:59.999Z';
export const AFTER = '2026-06-01T12:00:00.001Z';
const LATER = '2026-06-01T13:00:00.000Z';
const expiry = fc.constantFrom(null, null, BEFORE, NOW, AFTER, LATER);

export const permission = fc.constantFrom(...(Object.keys(PERMISSIONS) as Permission[]));
const user = fc.constantFrom(...USERS);
const group = fc.constantFrom(...GROUPS);
const person = fc.record({ type: fc.constant('user' as const), id: user });
const party = fc.record({ type: fc.constant('group' as const), id: group });

const membership: fc.Arbitrary<Membership> = fc.oneof(
  fc.record({ groupId: group, memberType: fc.constant('user' as const), memberId: user, expiresAt: expiry }),
  fc
    .record({
      expiresAt: expiry,
      above: fc.integer({ min: 1, max: FLOORS - 1 }),
      gap: fc.integer({ min: 1, max: 2 }),
      from: fc.nat(1),
      to: fc.nat(1),
    })
    .map(({ above, gap, from, to, expiresAt }) => ({
      groupId: groupOn(above, from),
      memberType: 'group' as const,
      memberId: groupOn(Math.max(0, above - gap), to),
      expiresAt,
    })),
);

const ROLE_NAMES = ['member', 'owner', 'rol_build', 'rol_watch'];
const roles = fc
  .tuple(...ROLE_NAMES.map((name) => fc.record({ name: fc.constant(name), permissions: fc.uniqueArray(permission, { maxLength: 4 }) })))
  .map((each) => [...each]);
/** One of them names a role that is not defined, as after its deletion. */
const assignment = fc.record({ role: fc.constantFrom(...ROLE_NAMES, 'rol_gone'), subject: fc.oneof(person, party), expiresAt: expiry });
const subject: fc.Arbitrary<AclSubject> = fc.oneof(person, party, party, fc.constant({ type: 'everyone' as const }));
const entry = fc.record({ subject, role: fc.constantFrom(...TEMPLATE_ROLES), expiresAt: expiry });

/** A small organisation: three people, twelve groups nested up to six deep, roles and a template's list. */
export const world: fc.Arbitrary<World> = fc.record({
  memberships: fc.array(membership, { maxLength: 24 }),
  assignments: fc.array(assignment, { maxLength: 5 }),
  roles,
  entries: fc.array(entry, { maxLength: 6 }),
});
