import { newId, type IdKind } from '../../core/ids.ts';
import { BUILT_IN_ROLES, type Permission } from '../../core/access/permissions.ts';
import { Chance } from './chance.ts';

/** Names and places of an organisation as large as our lists are built for, so that pages can be looked at as its people see them. */

const FIRST =
  'Nina Oskar Priya Tomasz Amara Luca Ingrid Mateo Yuki Fatima Henrik Zanele Rafael Chloé Dmitri Saoirse Kwame Leila Björn Anjali Hugo Mei Callum Esther Jürgen Noor Pavel Tessa Ibrahim Sofía Arthur Wanjiru Elif Gustav Marisol Declan Aoife Bogdan Carmen Daniela Emeka Freya Georgios Hana Iñigo Jacqueline Kenji Lerato Maximilian Nadia'.split(
    ' ',
  );
const LAST =
  'Berg Okonkwo Ramanathan Kowalski Rossi Halvorsen Fernández Tanaka Al-Rashid Lindqvist Dlamini Moreau Volkov O’Sullivan Mensah Haddad Sørensen Iyer Lefèvre Zhang Macdonald Abara Müller Rahman Novák Vermeulen Yilmaz Garza Whitfield Kamau Papadopoulos Eriksson Castillo Byrne Ionescu Delgado Nwosu Schwarzenbacher Ito Molefe Featherstonehaugh van_der_Merwe Hughes Petrov Costa Ng Wright Jankowski Bauer Silva'.split(
    ' ',
  );
const AREAS =
  'Settlement Ledger Fraud Pricing Booking Timetable Freight Crew Depot Signals Payroll Treasury Claims Loyalty Search Mobile Web Identity Observability Data'.split(
    ' ',
  );
const KINDS = 'engineers leads analysts reviewers on-call'.split(' ');
const STACKS = 'node go rust python jvm dotnet spark terraform kotlin elixir'.split(' ');
const ICONS = 'box braces bug cloud code container cpu database flask globe rocket server shield terminal'.split(' ');
const PLACES = [
  ['GB', 'London'],
  ['DE', 'Berlin'],
  ['PL', 'Kraków'],
  ['IN', 'Bengaluru'],
  ['JP', 'Tokyo'],
  ['ZA', 'Cape Town'],
] as const;
const AGENTS = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
] as const;
const REASONS = [
  'Check the postings of Monday before the close',
  'On call for Freight this week; the pager points at this service',
  'The migration of the timetable store needs a second pair of eyes. I only read, and I am done by the evening.',
  'Reproduce INC-20417',
] as const;
const CUSTOM_ROLES: ReadonlyArray<{ name: string; description: string; permissions: Permission[] }> = [
  {
    name: 'Runner watch',
    description: 'Sees the build machines, for the people on call',
    permissions: ['runner:read', 'workspace:read-all'],
  },
  { name: 'Help desk', description: 'Signs people out and invites them', permissions: ['user:read', 'user:invite', 'user:sign-out'] },
  {
    name: 'Access steward',
    description: 'Keeps groups and answers what access there is, each quarter and whenever an auditor asks',
    permissions: ['user:read', 'group:read', 'group:update', 'role:read', 'access:review', 'token:read-all'],
  },
  { name: 'Platform lead', description: '', permissions: [...BUILT_IN_ROLES['template-admin'], 'policy:update'] },
];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export type Rows = ReadonlyArray<Record<string, unknown>>;
export interface Size {
  users: number;
  groups: number;
  templates: number;
}

/**
 * Rows of each table, in an order in which they can be put in; one that is there twice counts once. @param owner who made everything, and may do everything
 * @param now milliseconds; what has an end ends around it
 */
export function largeOrganisation(size: Size, owner: string, now: number): Array<[table: string, rows: Rows]> {
  const chance = new Chance(4);
  const at = (time: number) => new Date(time).toISOString();
  const ago = (days: number) => at(now - Math.floor(chance.next() * days * DAY));
  const soon = () => at(now + chance.between(1, 72) * HOUR);
  const id = (kind: IdKind, time = now - chance.between(1, 400) * DAY) =>
    newId(
      kind,
      time,
      Uint8Array.from({ length: 16 }, () => chance.between(0, 255)),
    );
  const secret = () => id('request');
  const some = <T>(list: readonly T[], count: number): T[] => [...new Set(Array.from({ length: count }, () => chance.pick(list)))];
  const made = { created_by: owner };

  const users = Array.from({ length: size.users }, (_, index) => {
    const [first, last] = [chance.pick(FIRST), chance.pick(LAST).replaceAll('_', ' ')];
    const mailbox = `${first}.${last}`.normalize('NFD').replaceAll(/[^A-Za-z.]/g, '').toLowerCase(); // prettier-ignore
    const state = chance.oneIn(40) ? 'suspended' : chance.oneIn(60) ? 'deactivated' : 'active';
    return {
      ...{ id: id('user'), name: `${first} ${last}`, email: `${mailbox}${index}@meridian-rail.example`, state },
      ...{ created_at: ago(700), email_verified_at: chance.oneIn(30) ? null : ago(300) },
      last_seen_at: chance.oneIn(12) ? null : ago(chance.oneIn(3) ? 90 : 3),
    };
  });
  // How many there were on each day before, weekends and all; the database adds those who were seen last then.
  const activeDays = Array.from({ length: 90 }, (_, days) => {
    const day = new Date(now - days * DAY);
    const share = [0, 6].includes(day.getUTCDay()) ? 0.04 : 0.25;
    return { day: at(day.getTime()).slice(0, 10), people: Math.round(size.users * share * chance.between(85, 115) * 0.01), seen_last: 0 };
  });
  const people = users.filter(({ state }) => state === 'active').map((user) => user.id);

  const groups = Array.from({ length: size.groups }, (_, index) => {
    const [area, kind] = [AREAS[index % AREAS.length], KINDS[Math.floor(index / AREAS.length) % KINDS.length]];
    const number = Math.floor(index / (AREAS.length * KINDS.length));
    return {
      ...{ id: id('group'), name: `${area} ${kind}${number === 0 ? '' : ` ${number + 1}`}`, source: 'local', revision: 1 },
      ...{ created_at: ago(700), description: chance.oneIn(4) ? '' : `People who work on ${area}: ${kind}, from every site` },
    };
  });
  const floor = Math.ceil(size.groups / 5);
  const nested = groups.slice(floor).map((group, index) => ({
    group_id: chance.pick(groups.slice(Math.floor(index / floor) * floor, (Math.floor(index / floor) + 1) * floor)).id,
    ...{ member_type: 'group', member_id: group.id },
  }));
  const placed = people.flatMap((member_id) => some(groups, 5).map((group) => ({ group_id: group.id, member_type: 'user', member_id })));
  // One group that is as large as groups get, and with many groups inside.
  const crowd = people.slice(0, 2000).map((member_id) => ({ group_id: groups[0]?.id, member_type: 'user', member_id }));
  const managers = groups.flatMap((group) =>
    some([...people.slice(0, 200), owner], chance.between(0, 3)).map((user_id) => ({ group_id: group.id, user_id })),
  );

  const roles = CUSTOM_ROLES.map(({ permissions, ...role }) => ({
    ...{ ...role, id: id('role'), permissions: JSON.stringify(permissions), revision: 1, created_at: ago(300), ...made },
  }));
  const roleNames = [...roles.map((role) => role.id), 'user-admin', 'template-admin', 'auditor'];
  const accounts = ['siem-puller', 'nightly-review', 'terraform', 'badge-sync', 'release-train', 'cost-report'].map((name) => ({
    ...{ id: id('serviceAccount'), name, description: `Runs ${name} from the build cluster`, responsible_id: chance.pick(people) },
    ...{ state: name === 'badge-sync' ? 'suspended' : 'active', created_at: ago(300), ...made },
  }));
  const holders = [
    ...some(people, 150).map((each) => ['user', each]),
    ...some(groups, 40).map((each) => ['group', each.id]),
    ...accounts.map((each) => ['service-account', each.id]),
  ];
  const assignments = holders.map(([subject_type, subject_id]) => ({
    ...{ id: id('roleAssignment'), role: chance.pick(roleNames), subject_type, subject_id, created_at: ago(200), ...made },
    expires_at: chance.oneIn(3) ? soon() : null,
  }));

  const templates = Array.from({ length: size.templates }, (_, index) => {
    const [stack, area] = [STACKS[index % STACKS.length], AREAS[Math.floor(index / STACKS.length) % AREAS.length]?.toLowerCase()];
    const number = Math.floor(index / (AREAS.length * STACKS.length));
    return {
      ...{ id: id('template'), name: `${area}-${stack}${number === 0 ? '' : `-${number + 1}`}`, icon: chance.pick(ICONS) },
      ...{ version_id: id('templateVersion'), revision: 1, acl_revision: 1, created_at: ago(300) },
      description: chance.oneIn(5) ? '' : `The ${area} service with its ${stack} toolchain, a seeded database and recorded traffic`,
    };
  });
  const versions = templates.map((template) => ({
    ...{ id: template.version_id, template_id: template.id, number: 1, created_at: template.created_at, ...made },
    spec: JSON.stringify({ repository: '', startupScript: 'make deps\n', environment: {}, apps: [], driver: 'process' }),
  }));
  const entries = templates.flatMap((template, index) => {
    const entry = (subject_type: string, subject_id: string) => ({
      ...{ template_id: template.id, subject_type, subject_id, grant_id: '', role: chance.pick(['view', 'use', 'use', 'admin']) },
      ...{ expires_at: chance.oneIn(8) ? soon() : null, created_at: ago(100), ...made },
    });
    return [
      ...some(groups, index === 0 ? 50 : 4).map((group) => entry('group', group.id)),
      ...some(people, index === 0 ? 120 : 6).map((person) => entry('user', person)),
      ...(chance.oneIn(20) ? [{ ...entry('everyone', ''), role: 'view' }] : []),
    ];
  });

  const requests = Array.from({ length: 160 }, (_, index) => {
    const state = index < 60 ? 'open' : chance.pick(['approved', 'denied', 'withdrawn']);
    const asker = index % 8 === 7 ? owner : chance.pick(people);
    const created = now - chance.between(1, 72) * HOUR;
    const decided = state === 'approved' || state === 'denied';
    const hours = chance.pick([1, 4, 8, 24, 72]);
    return {
      ...{
        id: id('accessRequest', created),
        template_id: templates[index]?.id,
        user_id: asker,
        hours,
        reason: chance.pick(REASONS),
        state,
      },
      ...{ created_at: at(created), decided_at: decided ? at(created + HOUR / 2) : null, decided_by: decided ? owner : null },
      ...{ note: state === 'denied' ? 'Ask your lead to put you into the group instead' : null },
      expires_at: state === 'approved' ? at(created + HOUR / 2 + hours * HOUR) : null,
    };
  });
  const grants = requests
    .filter(({ expires_at }) => expires_at !== null && expires_at > at(now))
    .map(({ id: grant_id, template_id, user_id, expires_at, created_at }) => ({
      ...{ template_id, subject_type: 'user', subject_id: user_id, grant_id, role: 'use', expires_at, created_at, ...made },
    }));

  const sessions = [...some(people, 400), owner, owner, owner].map((user_id) => {
    const [country, city] = chance.pick(PLACES);
    const created_at = ago(0.4);
    return {
      ...{ id: id('session'), secret_hash: secret(), user_id, created_at, last_seen_at: at(now - chance.between(0, 50) * 60_000) },
      ...{ expires_at: at(now + 12 * HOUR), ip: `203.0.113.${chance.between(2, 250)}`, user_agent: chance.pick(AGENTS), country, city },
      ...{ method: chance.pick(['password+totp', 'passkey', 'password']), authenticated_at: created_at },
    };
  });
  const tokens = [...some(people, 200), ...accounts.map((account) => account.id), owner, owner].map((owner_id, index) => ({
    ...{ id: id('token'), secret_hash: secret(), owner_type: owner_id.startsWith('usr') ? 'user' : 'service-account', owner_id },
    ...{ name: chance.pick(['nightly', 'laptop', 'ci: deploy previews', 'dashboards', 'backup of lists']), created_by: owner },
    scopes: JSON.stringify(index % 3 === 0 ? ['audit:read'] : ['template:read', 'workspace:read-own', 'user:read', 'group:read']),
    networks: JSON.stringify(chance.oneIn(3) ? ['192.0.2.0/24', '2001:db8:40::/48'] : []),
    ...{ created_at: ago(60), expires_at: at(now + chance.between(-3, 90) * DAY), revoked_at: null },
    ...(chance.oneIn(4) ? {} : { last_used_at: ago(5), last_used_from: '192.0.2.14' }),
  }));
  const invitations = Array.from({ length: 30 }, (_, index) => ({
    ...{ id: id('invitation', now - DAY), email: `${chance.pick(FIRST).toLowerCase().normalize('NFD').replaceAll(/[^a-z]/g, '')}.new${index}@meridian-rail.example` }, // prettier-ignore
    ...{ roles: JSON.stringify(chance.oneIn(4) ? ['auditor'] : []), token_hash: secret(), invited_by: owner },
    ...{ created_at: ago(3), expires_at: at(now + chance.between(1, 6) * DAY) },
  }));
  return [
    ['active_days', activeDays],
    ['users', users],
    ['groups', groups],
    ['group_members', [...nested, ...placed, ...crowd]],
    ['group_managers', managers],
    ['roles', roles],
    ['service_accounts', accounts],
    ['role_assignments', assignments],
    ['templates', templates],
    ['template_versions', versions],
    ['template_acl', [...entries, ...grants]],
    ['access_requests', requests],
    ['sessions', sessions],
    ['api_tokens', tokens],
    ['invitations', invitations],
  ];
}
