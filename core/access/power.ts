import { permissionsOf, type BuiltInRole, type CustomRole, type Permission } from './permissions.ts';

/**
 * Power over access: the permissions by which people decide what others may do, each with how. Whoever has one can hand on access that
 * nobody meant to give, so giving one is told to those who watch the trail.
 */
export const POWERS = {
  'role:assign': 'gives any role to anybody',
  'role:update': 'makes a role that people hold mightier',
  'group:update': 'puts anybody where roles and templates come from',
  'idp:manage': 'decides who comes in, and as whom',
  'service-account:manage': 'makes accounts and keys that stay when people go',
} as const satisfies Partial<Record<Permission, string>>;

const POWERFUL = Object.keys(POWERS) as Permission[];

/** Those of the permissions, or of the scopes of a token, that are power over access. */
export const powersAmong = (permissions: Iterable<string>): Permission[] => {
  const held = new Set(permissions);
  return POWERFUL.filter((each) => held.has(each));
};

/** The power over access that somebody with these roles has. */
export const powersOf = (roles: readonly BuiltInRole[], custom: ReadonlyArray<Pick<CustomRole, 'permissions'>> = []): Permission[] =>
  powersAmong(permissionsOf(roles, custom));

/** What is said of a change that gives access: the power in it, and that who makes it is among those who get it. */
export interface Given {
  power: readonly Permission[];
  self: boolean;
}

/** How the event of such a change carries it; nothing for a change that gives neither. `givenIn` reads it. */
export const givenDetails = ({ power, self }: Given): { power?: string; selfGrant?: true } => ({
  ...(power.length > 0 ? { power: power.join(' ') } : {}),
  ...(self ? { selfGrant: true } : {}),
});

/** What the details of an event say was given by it. */
export const givenIn = (details: Readonly<Record<string, unknown>>): { power: boolean; self: boolean } => ({
  power: typeof details['power'] === 'string',
  self: details['selfGrant'] === true,
});
