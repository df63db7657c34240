import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigFaulty, parseConfig, type Config, type ConfigFile } from '@gatehouse/core/access/config-file.ts';
import { unknownNames } from '@gatehouse/core/access/config-names.ts';
import { planChanges, type Change } from '@gatehouse/core/access/config-plan.ts';
import { canonical, inForceAt, writeConfig } from '@gatehouse/core/access/config-text.ts';
import { PERMISSIONS, type Permission } from '@gatehouse/core/access/permissions.ts';
import { UNAVAILABLE, type PolicyValues } from '@gatehouse/core/access/policy.ts';
import { TEMPLATE_ROLES } from '@gatehouse/core/access/template-acl.ts';

const GROUPS = ['Devs', 'Platform', 'Ops', 'Leads', 'Guests'];
const PEOPLE = ['ada@x.test', 'bob@x.test', 'cy@x.test'];
const ROLES = ['Builder', 'Watcher', 'Deployer'];
const TEMPLATES = ['go', 'node', 'rust'];
const TIMES = [null, '2026-06-01T12:00:00.000Z', '2026-07-01T12:00:00.000Z'];

const expiresAt = fc.constantFrom(...TIMES);
const person = fc.constantFrom(...PEOPLE).map((each) => `user ${each}`);
const somebody = fc.oneof(
  person,
  fc.constantFrom(...GROUPS).map((each) => `group ${each}`),
);
const policy: fc.Arbitrary<PolicyValues> = fc.record(
  {
    browserOnly: fc.constantFrom('off' as const, 'on' as const),
    allowedNetworks: fc.constantFrom(['10.0.0.0/8'], ['10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32']),
    sessionLimit: fc.constantFrom(60, 480),
    upload: fc.constantFrom(0, 5),
  },
  { requiredKeys: [] },
);
const uniqueBy = <T>(arbitrary: fc.Arbitrary<T>, selector: (each: T) => string, maxLength: number) =>
  fc.uniqueArray(arbitrary, { selector, maxLength });

const roles = uniqueBy(
  fc.record({
    name: fc.constantFrom(...ROLES),
    description: fc.constantFrom('', 'What it is for'),
    permissions: fc.uniqueArray(fc.constantFrom(...(Object.keys(PERMISSIONS) as Permission[])), { minLength: 1, maxLength: 3 }),
  }),
  ({ name }) => name,
  3,
);
/** Groups in a random order, each holding only those that stand behind it: no circles, but other ones in each file. */
const groups = fc
  .tuple(
    fc.shuffledSubarray(GROUPS),
    fc.array(
      uniqueBy(fc.record({ who: somebody, expiresAt }), ({ who }) => who, 4),
      { minLength: GROUPS.length, maxLength: GROUPS.length },
    ),
    fc.uniqueArray(fc.constantFrom(...PEOPLE), { maxLength: 2 }),
    fc.constantFrom('', 'A group'),
  )
  .map(([order, members, managers, description]) =>
    order.map((name, index) => ({
      ...{ name, description, managers: [...managers] },
      members: (members[index] ?? []).filter(({ who }) => who.startsWith('user ') || order.slice(index + 1).includes(who.slice(6))),
    })),
  );
const assignments = uniqueBy(
  fc.record({ role: fc.constantFrom(...ROLES, 'auditor'), who: somebody, expiresAt }),
  ({ role, who }) => `${role} ${who}`,
  5,
);
const access = uniqueBy(
  fc.record({ who: fc.oneof(somebody, fc.constant('everyone')), role: fc.constantFrom(...TEMPLATE_ROLES), expiresAt }),
  ({ who }) => who,
  4,
);
const listed = fc.tuple(...TEMPLATES.map((name) => fc.record({ name: fc.constant(name), access, policy })));

/** What names something that is not there falls away, as in an organisation. */
function consistent(config: Config): Config {
  const known = new Set(config.groups.map(({ name }) => `group ${name}`));
  const isThere = ({ who }: { who: string }) => !who.startsWith('group ') || known.has(who);
  const given = new Set(['auditor', ...config.roles.map(({ name }) => name)]);
  return {
    ...config,
    assignments: config.assignments.filter((each) => isThere(each) && given.has(each.role)),
    templates: config.templates.map((template) => ({ ...template, access: template.access.filter(isThere) })),
  };
}
const config: fc.Arbitrary<Config> = fc
  .record({ policy, roles, groups, assignments, templates: listed })
  .map((each) => consistent({ ...each, templates: [...each.templates] }));

/** A file for an organisation: some sections of another one, which name only what will be there. */
const fileFor = (current: Config): fc.Arbitrary<ConfigFile> =>
  fc
    .record({
      other: config,
      has: fc.record({
        ...{ policy: fc.boolean(), roles: fc.boolean(), groups: fc.boolean(), assignments: fc.boolean(), templates: fc.nat(3) },
        of: fc.constantFrom('list', 'policy', 'both'),
      }),
    })
    .map(({ other, has }) => {
      const whole = consistent({
        ...other,
        roles: has.roles ? other.roles : current.roles,
        groups: has.groups ? other.groups : current.groups,
      });
      return {
        version: 1,
        ...(has.policy && { policy: whole.policy }),
        ...(has.roles && { roles: whole.roles }),
        ...(has.groups && { groups: whole.groups }),
        ...(has.assignments && { assignments: whole.assignments }),
        ...(has.templates > 0 && {
          templates: whole.templates.slice(0, has.templates).map((each) => ({
            name: each.name,
            ...(has.of !== 'policy' && { access: each.access }),
            ...(has.of !== 'list' && { policy: each.policy }),
          })),
        }),
      };
    });
const pair = config.chain((current) => fc.tuple(fc.constant(current), fileFor(current)));

/** What the organisation is when a file is applied, said without steps. */
const wanted = (current: Config, file: ConfigFile): Config =>
  consistent({
    policy: file.policy ?? current.policy,
    roles: file.roles ?? current.roles,
    groups: file.groups ?? current.groups,
    assignments: file.assignments ?? current.assignments,
    templates: current.templates.map((each) => {
      const { access: list = each.access, policy: own = each.policy } = file.templates?.find(({ name }) => name === each.name) ?? {};
      return { name: each.name, access: list, policy: own };
    }),
  });

/** One step, done as an organisation would; it throws where an organisation would refuse. */
function take(before: Config, change: Change): Config {
  const at = structuredClone(before);
  const groupNamed = (name: string) => found(at.groups.find((each) => each.name === name));
  const templateNamed = (name: string) => found(at.templates.find((each) => each.name === name));
  const policyOf = (template: string | null) => (template === null ? at.policy : templateNamed(template).policy);
  switch (change.kind) {
    case 'role.create':
      at.roles.push(change.role);
      break;
    case 'role.update':
      at.roles.splice(
        indexOf(at.roles, ({ name }) => name === change.role.name),
        1,
        change.role,
      );
      break;
    case 'role.delete':
      at.roles.splice(
        indexOf(at.roles, ({ name }) => name === change.name),
        1,
      );
      break;
    case 'group.create':
      at.groups.push({ name: change.name, description: change.description, managers: [], members: [] });
      break;
    case 'group.update':
      groupNamed(change.name).description = change.description;
      break;
    case 'group.delete':
      at.groups.splice(
        indexOf(at.groups, ({ name }) => name === change.name),
        1,
      );
      for (const group of at.groups) group.members = group.members.filter(({ who }) => who !== `group ${change.name}`);
      break;
    case 'member.add': {
      if (change.who.startsWith('group ')) groupNamed(change.who.slice(6));
      const group = groupNamed(change.group);
      group.members = [...group.members.filter(({ who }) => who !== change.who), { who: change.who, expiresAt: change.expiresAt }];
      refuseCircle(at, change.group, change.group);
      break;
    }
    case 'member.remove':
      remove(groupNamed(change.group).members, ({ who }) => who === change.who);
      break;
    case 'manager.add':
      groupNamed(change.group).managers.push(change.who);
      break;
    case 'manager.remove':
      remove(groupNamed(change.group).managers, (who) => who === change.who);
      break;
    case 'assignment.set': {
      const { role, who } = change.assignment;
      if (role !== 'auditor') indexOf(at.roles, ({ name }) => name === role);
      if (who.startsWith('group ')) groupNamed(who.slice(6));
      at.assignments = [...at.assignments.filter((each) => each.role !== role || each.who !== who), change.assignment];
      break;
    }
    case 'assignment.remove':
      remove(at.assignments, ({ role, who }) => role === change.role && who === change.who);
      break;
    case 'access.set': {
      const template = templateNamed(change.template);
      if (change.access.who.startsWith('group ')) groupNamed(change.access.who.slice(6));
      template.access = [...template.access.filter(({ who }) => who !== change.access.who), change.access];
      break;
    }
    case 'access.remove':
      remove(templateNamed(change.template).access, ({ who }) => who === change.who);
      break;
    case 'policy.set':
      Object.assign(policyOf(change.template), { [change.field]: change.value });
      break;
    case 'policy.unset':
      if (policyOf(change.template)[change.field] === undefined) throw new Error('It is not set');
      Reflect.deleteProperty(policyOf(change.template), change.field);
      break;
  }
  return consistent(at);
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('There is no such thing');
  return value;
}
function indexOf<T>(list: T[], is: (each: T) => boolean): number {
  const at = list.findIndex(is);
  if (at < 0) throw new Error('There is no such thing');
  return at;
}
const remove = <T>(list: T[], is: (each: T) => boolean) => void list.splice(indexOf(list, is), 1);

function refuseCircle({ groups }: Config, start: string, at: string): void {
  for (const { who } of groups.find(({ name }) => name === at)?.members ?? []) {
    if (who === `group ${start}`) throw new Error(`${start} would contain itself`);
    if (who.startsWith('group ')) refuseCircle({ groups } as Config, start, who.slice(6));
  }
}

const takeAll = (current: Config, changes: Change[]) => changes.reduce(take, current);

describe('a plan', () => {
  test('taken step by step gives what the file wants, and no step is one that an organisation would refuse', () => {
    fc.assert(
      fc.property(pair, ([current, file]) => {
        const after = takeAll(current, planChanges(current, file));
        expect(canonical(after)).toEqual(canonical(wanted(current, file)));
      }),
      { numRuns: 300 },
    );
  });

  test('of what is applied already is empty', () => {
    fc.assert(
      fc.property(pair, ([current, file]) => {
        expect(planChanges(takeAll(current, planChanges(current, file)), file)).toEqual([]);
      }),
    );
  });

  test('of an organisation’s own file is empty', () => {
    fc.assert(
      fc.property(config, (current) => {
        expect(planChanges(current, parseConfig(writeConfig(current)))).toEqual([]);
      }),
    );
  });

  test('names only what there is', () => {
    fc.assert(
      fc.property(pair, ([current, file]) => {
        expect(unknownNames(current, file, new Set(PEOPLE))).toEqual([]);
      }),
    );
  });

  test('says each step in words, in the order in which it is taken', () => {
    const go = { name: 'go', access: [], policy: {} };
    const empty: Config = { policy: { idleTimeout: 30 }, roles: [], groups: [], assignments: [], templates: [go] };
    const file = parseConfig(`
version: 1
policy: { allowedNetworks: [10.0.0.0/8, 192.0.2.7, 2001:db8::/32] }
roles: [{ name: Builder, permissions: ['template:create'] }]
groups:
  - { name: Devs, members: [user ada@x.test, { who: group Leads, expiresAt: '2026-06-01T12:00:00Z' }] }
  - { name: Leads, managers: [bob@x.test] }
assignments: [{ role: Builder, who: group Devs, expiresAt: '2026-06-01T12:00:00Z' }]
templates:
  - name: go
    access: [{ who: group Devs, role: admin }, { who: everyone, role: view, expiresAt: '2026-06-01T12:00:30Z' }]
    policy: { sessionLimit: 480, upload: 0 }
`);
    expect(planChanges(empty, file).map(({ words }) => words)).toEqual([
      'Make the role Builder: template:create',
      'Make the group Devs',
      'Make the group Leads',
      'Add user ada@x.test to the group Devs',
      'Add group Leads to the group Devs until 2026-06-01 12:00 UTC',
      'Let bob@x.test manage the group Leads',
      'Give group Devs the role Builder until 2026-06-01 12:00 UTC',
      'Let group Devs administer the template go',
      'Let everyone see the template go until 2026-06-01 12:00:30 UTC',
      'Set allowed networks of the organisation to 10.0.0.0/8, 192.0.2.7/32, 2001:db8::/32',
      'Set idle time of the organisation no more',
      'Set session limit of the template go to 8 h',
      'Set upload of the template go to blocked',
    ]);
    const done = takeAll(empty, planChanges(empty, file));
    const longer = parseConfig(`
version: 1
groups:
  - { name: Devs, members: [user ada@x.test, group Leads] }
  - { name: Leads }
`);
    expect(planChanges(done, longer).map(({ words }) => words)).toEqual([
      'Keep group Leads in the group Devs for good',
      'Let bob@x.test manage the group Leads no more',
    ]);
    const back = planChanges(done, { version: 1, ...empty });
    expect(back.map(({ words }) => words)).toEqual([
      'Delete the group Devs, with all that it was given',
      'Delete the group Leads, with all that it was given',
      'Take the template go from everyone',
      'Set allowed networks of the organisation no more',
      'Set idle time of the organisation to 30 min',
      'Set session limit of the template go no more',
      'Set upload of the template go no more',
      'Delete the role Builder, from everybody who has it',
    ]);
  });

  test('gives before it takes: who hands a role over has it until the other has', () => {
    const owner = (who: string) => [{ role: 'owner', who, expiresAt: null }];
    const current: Config = { policy: {}, roles: [], groups: [], assignments: owner('user ada@x.test'), templates: [] };
    expect(planChanges(current, { version: 1, assignments: owner('user bob@x.test') }).map(({ kind }) => kind)).toEqual([
      'assignment.set',
      'assignment.remove',
    ]);
  });

  test('of what has ended is empty: it gives nothing, and can’t be given anew', () => {
    const file = parseConfig(`
version: 1
groups: [{ name: Devs, members: [{ who: user ada@x.test, expiresAt: '2026-06-01T12:00:00Z' }] }]
templates: [{ name: go, access: [{ who: everyone, role: use, expiresAt: '2026-06-01T12:00:00Z' }] }]
`);
    const group = { name: 'Devs', description: '', managers: [], members: [] };
    const current: Config = {
      ...{ policy: {}, roles: [], groups: [group], assignments: [] },
      templates: [{ name: 'go', access: [], policy: {} }],
    };
    expect(planChanges(current, inForceAt(file, '2026-06-01T12:00:00.000Z'))).toEqual([]);
    expect(planChanges(current, inForceAt(file, '2026-06-01T11:59:59.999Z'))).toHaveLength(2);
  });

  test('leaves alone what the file has no section for, and templates that it does not name', () => {
    const current: Config = {
      ...{ policy: { upload: 0 }, roles: [], assignments: [{ role: 'auditor', who: 'user ada@x.test', expiresAt: null }] },
      groups: [{ name: 'Devs', description: '', managers: [], members: [] }],
      templates: [{ name: 'go', access: [{ who: 'everyone', role: 'use', expiresAt: null }], policy: { upload: 0 } }],
    };
    expect(planChanges(current, { version: 1 })).toEqual([]);
    expect(planChanges(current, { version: 1, templates: [] })).toEqual([]);
    expect(planChanges(current, { version: 1, templates: [{ name: 'go' }] })).toEqual([]);
  });
});

describe('the file', () => {
  test('read back is what was written, and written again is the same text', () => {
    fc.assert(
      fc.property(config, (each) => {
        const text = writeConfig(each);
        const { version, ...rest } = parseConfig(text);
        expect(version).toBe(1);
        expect(canonical(rest as Config)).toEqual(canonical(each));
        expect(writeConfig(rest as Config)).toBe(text);
      }),
    );
  });

  test('is the same text for the same rules in another order', () => {
    fc.assert(
      fc.property(config, (each) => {
        const turned: Config = {
          policy: Object.fromEntries(Object.entries(each.policy).toReversed()),
          roles: each.roles.toReversed(),
          groups: each.groups.map((group) => ({ ...group, members: group.members.toReversed() })).toReversed(),
          assignments: each.assignments.toReversed(),
          templates: each.templates.map(({ access: list, ...rest }) => ({ access: list.toReversed(), ...rest })).toReversed(),
        };
        expect(writeConfig(turned)).toBe(writeConfig(each));
      }),
    );
  });

  test.each([
    ['no version', 'groups: []', 'version'],
    ['a section of another tool', 'version: 1\nusers: []', 'users'],
    ['a permission that there is not', "version: 1\nroles: [{ name: A, permissions: ['x:y'] }]", 'roles.0.permissions.0'],
    ['a role without permissions', 'version: 1\nroles: [{ name: A, permissions: [] }]', 'roles.0.permissions'],
    [
      'a built-in role made anew',
      "version: 1\nroles: [{ name: Owner, permissions: ['user:read'] }]",
      'roles.0.name is the name of a built-in role',
    ],
    ['member given', 'version: 1\nassignments: [{ role: member, who: user a@x.test }]', 'assignments.0.role'],
    ['a group twice, in another case', 'version: 1\ngroups: [{ name: Devs }, { name: devs }]', 'groups.1 is named twice'],
    [
      'a member twice',
      'version: 1\ngroups: [{ name: Devs, members: [user a@x.test, user A@x.test] }]',
      'groups.0.members.1 is named twice',
    ],
    [
      'somebody twice in a list',
      'version: 1\ntemplates: [{ name: go, access: [{ who: everyone, role: use }, { who: everyone, role: view }] }]',
      'templates.0.access.1',
    ],
    ['a group in itself', 'version: 1\ngroups: [{ name: A, members: [group A] }]', 'closes a circle: A → A'],
    [
      'a circle of three',
      'version: 1\ngroups: [{ name: A, members: [group B] }, { name: B, members: [group C] }, { name: C, members: [group A] }]',
      'A → B → C → A',
    ],
    ['who is nobody', 'version: 1\nassignments: [{ role: auditor, who: everyone }]', 'assignments.0.who'],
    [
      'a time that is none',
      'version: 1\nassignments: [{ role: auditor, who: user a@x.test, expiresAt: tomorrow }]',
      'assignments.0.expiresAt',
    ],
    ['a network that is none', 'version: 1\npolicy: { allowedNetworks: [office] }', 'policy.allowedNetworks.0 must be a network'],
    ['a field that there is not', 'version: 1\npolicy: { colour: red }', 'colour'],
    ['a member without a kind', 'version: 1\ngroups: [{ name: A, members: [ada@x.test] }]', 'groups.0.members.0 must be “user ”'],
    ['a key twice', 'version: 1\ngroups: []\ngroups: []', 'unique'],
    ['what is no YAML', 'version: [', ''],
    ['a tag of code', 'version: !!js/function "x"', ''],
    ['a bomb of aliases', `version: 1\ngroups: [${'&a [x]'}]\nroles: &b [*a,*a]`, ''],
    ['a list', '[]', ''],
    ['nothing', '', ''],
  ])('is refused with %s, saying where', (_what, text, says) => {
    const failing = () => parseConfig(text);
    expect(failing).toThrow(ConfigFaulty);
    expect(failing).toThrow(says);
  });

  test.each(Object.entries(UNAVAILABLE))('can’t set %s, of the organisation or a template, and says why', (field, { reason }) => {
    const set = `policy: { ${field}: on }`;
    const failing = () => parseConfig(`version: 1\n${set}\ntemplates: [{ name: go, ${set} }]`);
    expect(failing).toThrow(`policy.${field} ${reason}`);
    expect(failing).toThrow(`templates.0.policy.${field} ${reason}`);
  });

  test('that names what there is not says which', () => {
    const current: Config = { policy: {}, roles: [], groups: [], assignments: [], templates: [] };
    const file = parseConfig(`
version: 1
groups: [{ name: Devs, members: [user nobody@x.test, group Ghosts], managers: [gone@x.test] }]
assignments: [{ role: Phantom, who: group Devs }]
templates: [{ name: mist, access: [{ who: group Ghosts, role: use }, { who: everyone, role: view }] }]
`);
    expect(unknownNames(current, file, new Set()).map(({ path }) => path)).toEqual([
      'groups.0.members.0',
      'groups.0.members.1',
      'groups.0.managers.0',
      'assignments.0.role',
      'templates.0.name',
      'templates.0.access.0.who',
    ]);
  });
});
