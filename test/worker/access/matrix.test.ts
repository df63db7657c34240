import { beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN_ROLES, type BuiltInRole, type Permission } from '@gatehouse/core/access/permissions.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { MATRIX, type Probe } from '../../core/access/matrix.ts';
import { makeFinding } from '../../support/findings.ts';
import { crewOf } from '../../support/refusals.ts';
import { addSession, call, mintTenant, unique, type Answer, type Person, type Tenant } from '../../support/tenants.ts';
import { insertRunner, insertWorkspace } from '../../support/workspaces.ts';

/**
 * The matrix of test/core/access/matrix.ts through the Worker: each permission's probe as each role, on what is one's own,
 * what is somebody else's in the organisation, and what is another organisation's.
 */
const ROLES = Object.keys(BUILT_IN_ROLES) as BuiltInRole[];
const probes = Object.entries(MATRIX).flatMap(([permission, row]) =>
  row.probe === null ? [] : [[permission as Permission, { ...row, probe: row.probe }] as const],
);
const withObject = probes.filter(([, { probe }]) => probe.on !== undefined);

const makers = { workspace: insertWorkspace, runner: insertRunner, template: insertTemplate, finding: makeFinding } as const;

/** Everyone of the organisation may use it, so that nothing but a permission is missing. */
async function insertTemplate(tenant: Tenant): Promise<string> {
  const workspace = await insertWorkspace(tenant);
  const found = await tenant.db.first<{ template_id: string }>(
    'SELECT template_id FROM workspaces WHERE tenant_id = ? AND id = ?',
    ...[tenant.id, workspace],
  );
  const id = found?.template_id ?? '';
  await tenant.db.batch([
    statement(
      `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, created_at, created_by)
       VALUES (?, ?, 'everyone', '', 'use', '', '')`,
      ...[tenant.id, id],
    ),
  ]);
  return id;
}

/** The probe for that object as that person. Names in it are made anew, so that no probe meets what another one made. */
function send({ route, body, headers }: Probe, id: string, { cookie }: Pick<Person, 'cookie'>): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ');
  const sent =
    body === undefined
      ? undefined
      : JSON.stringify(body)
          .replaceAll(':id', id)
          .replaceAll(/matrix/g, `m${unique()}`);
  return call(method, path.replace(':id', id), {
    cookie,
    ...(sent === undefined ? {} : { body: sent }),
    ...(headers ? { headers } : {}),
  });
}

let tenant: Tenant;
let foreign: Tenant;
let crew: Record<BuiltInRole, Person>;

beforeAll(async () => {
  [tenant, foreign] = await Promise.all([mintTenant(), mintTenant()]);
  crew = await crewOf(tenant);
});

const objectOf = (probe: Probe, where: Tenant) => (probe.on ? makers[probe.on](where) : Promise.resolve(''));
/** Whether the answer is one of somebody who may: it went wrong for no reason that has to do with who they are. */
const isLetIn = ({ status }: Answer) => ![401, 403, 404].includes(status);
const asRole = (role: BuiltInRole) => addSession(tenant, crew[role].id);

describe.each(probes)('%s, on what is somebody else’s in one’s organisation', (_permission, { may, probe }) => {
  test.each(ROLES)('as %s', async (role) => {
    const answer = await send(probe, await objectOf(probe, tenant), await asRole(role));
    expect(isLetIn(answer), JSON.stringify(answer.body)).toBe(may.includes(role));
  });
});

describe.each(probes.filter(([, { own }]) => own))('%s, on what is one’s own', (_permission, { own, probe }) => {
  test.each(ROLES)('as %s', async (role) => {
    const id = await objectOf(probe, tenant);
    await tenant.db.batch([statement('UPDATE workspaces SET owner_id = ? WHERE tenant_id = ? AND id = ?', crew[role].id, tenant.id, id)]);
    const answer = await send(probe, id, await asRole(role));
    expect(isLetIn(answer), JSON.stringify(answer.body)).toBe(own?.includes(role));
  });
});

describe('what belongs to another organisation is nobody’s', () => {
  test.each(withObject)('%s', async (_permission, { probe }) => {
    const id = await objectOf(probe, foreign);
    for (const role of ROLES) {
      const { status } = await send(probe, id, await asRole(role));
      expect(role === 'owner' ? [404] : [403, 404], role).toContain(status);
    }
  });
});
