import { describe, expect, test } from 'vitest';
import { lineFinder, parseConfig } from '@gatehouse/core/access/config-file.ts';
import { planChanges } from '@gatehouse/core/access/config-plan.ts';
import { exportedConfig, exportedFile, outOfReach, stateOf } from '@gatehouse/core/access/config-state.ts';
import type { ConfigLine } from '@gatehouse/core/api/config.ts';

const NOW = '2026-06-01T12:00:00.000Z';
const [ADA, BOB] = ['usr_01m856tm29e6frrs5mmr9m5rha', 'usr_01m856tm29e6frrs5mmr9m5rhb'];
const [DEVS, SYNCED] = ['grp_01m856tm29e6frrs5mmr9m5rhd', 'grp_01m856tm29e6frrs5mmr9m5rhs'];
const GO = 'tpl_01m856tm29e6frrs5mmr9m5rhg';

const whole = (lines: ConfigLine[]): ConfigLine[] => [...lines, { kind: 'end', lines: lines.length }];
const LINES: ConfigLine[] = [
  { kind: 'policy', values: { upload: 0 }, revision: 3 },
  { kind: 'user', id: ADA, email: 'ada@x.test' },
  { kind: 'user', id: BOB, email: 'bob@x.test' },
  { kind: 'group', id: DEVS, name: 'Devs', description: '', source: 'local', revision: 2 },
  { kind: 'group', id: SYNCED, name: 'Staff', description: 'All', source: 'scim', revision: 1 },
  { kind: 'manager', group: DEVS, user: BOB },
  { kind: 'member', group: DEVS, id: ADA, expiresAt: '2026-06-01T12:00:00.001Z' },
  { kind: 'member', group: DEVS, id: BOB, expiresAt: NOW },
  { kind: 'member', group: SYNCED, id: ADA, expiresAt: null },
  { kind: 'template', id: GO, name: 'go', revision: 7, policy: {}, policyRevision: 0 },
  { kind: 'entry', template: GO, subject: { type: 'user', id: BOB }, role: 'use', expiresAt: NOW, grantId: null },
  { kind: 'entry', template: GO, subject: { type: 'group', id: SYNCED }, role: 'use', expiresAt: null, grantId: null },
];

describe('what was read', () => {
  test('is the organisation by name, with what is needed to change it', () => {
    const state = stateOf(whole(LINES));
    expect(exportedConfig(state, NOW)).toEqual({
      policy: { upload: 0 },
      roles: [],
      groups: [
        {
          name: 'Devs',
          description: '',
          managers: ['bob@x.test'],
          members: [{ who: 'user ada@x.test', expiresAt: '2026-06-01T12:00:00.001Z' }],
        },
        { name: 'Staff', description: 'All', managers: [], members: [] },
      ],
      assignments: [],
      templates: [{ name: 'go', access: [{ who: 'group Staff', role: 'use', expiresAt: null }], policy: {} }],
    });
    expect(state.templates.get('go')?.entries).toHaveLength(2);
    expect([state.policyRevision, state.groups.get('devs')?.revision, state.templates.get('go')?.revision]).toEqual([3, 2, 7]);
  });

  test('as a file plans nothing', () => {
    const state = stateOf(whole(LINES));
    const file = parseConfig(exportedFile(state, NOW));
    expect(outOfReach(state, { ...file, assignments: undefined })).toEqual([]);
    expect(planChanges({ ...state.config, ...exportedConfig(state, NOW) } as typeof state.config, file)).toEqual([]);
  });

  test('breaks off where its end is missing, or counts other lines', () => {
    expect(() => stateOf(LINES)).toThrow('broke off');
    expect(() => stateOf(whole(LINES).toSpliced(2, 1))).toThrow('broke off');
    expect(() => stateOf([])).toThrow('broke off');
  });
});

describe('a file is out of reach', () => {
  const reach = (yaml: string, more: ConfigLine[] = []) =>
    outOfReach(stateOf(whole([...more, ...LINES])), parseConfig(`version: 1\n${yaml}`)).map(({ path, message }) => `${path} ${message}`);

  test('where it has a section that may not be seen', () => {
    const withheld: ConfigLine[] = [{ kind: 'withheld', section: 'roles', permission: 'role:read' }];
    expect(reach('roles: []', withheld)).toEqual(['roles can’t be compared: to see them needs role:read']);
    expect(reach('policy: {}', withheld)).toEqual([]);
  });

  test('where it leaves nobody the owner', () => {
    const says = ['assignments must give somebody the role owner for good: an organisation always has one'];
    expect(reach('assignments: []')).toEqual(says);
    expect(reach("assignments: [{ role: owner, who: user ada@x.test, expiresAt: '2999-01-01T00:00:00Z' }]")).toEqual(says);
    expect(reach('assignments: [{ role: owner, who: user ada@x.test }]')).toEqual([]);
    expect(reach('groups: [{ name: Staff }]')).toEqual([]);
  });

  test('where it would change who is in a group that an identity provider keeps, or delete it', () => {
    expect(reach('groups: [{ name: staff, members: [user bob@x.test] }]')).toEqual([
      'groups.0.members must be left out: your identity provider keeps the group staff',
    ]);
    expect(reach('groups: [{ name: Devs }]')).toEqual([
      'groups must name the group staff: your identity provider keeps it, and only there it is deleted',
    ]);
    expect(reach('groups: [{ name: Staff, description: Anew }]')).toEqual([]);
  });
});

test('a path leads to its line, or to the nearest above it', () => {
  const lineOf = lineFinder('version: 1\ngroups:\n  - name: A\n    members:\n      - user a@x.test\n      - user b@x.test\n');
  expect(['groups.0.members.1', 'groups.0.managers.3', 'groups', 'roles', ''].map(lineOf)).toEqual([6, 3, 2, null, null]);
});
