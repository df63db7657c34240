import { expect, test } from 'vitest';
import { KEPT_CALLS } from '../../../worker/scim/provisioning.store.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addDirectory, made, scim, userBody, withServices, type Directory } from '../../support/scim.ts';
import { mintTenant, services, unique } from '../../support/tenants.ts';

test('of each connection the last 2,000 calls are kept: the oldest go, and no other connection’s', async () => {
  const tenant = await mintTenant();
  const [directory, other] = [await addDirectory(tenant), await addDirectory(tenant)];
  const fill = ({ id }: Directory, count: number) =>
    statement(
      `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?3)
       INSERT INTO provisioning_calls (tenant_id, provider_id, id, time, method, path, status, outcome)
       SELECT ?1, ?2, printf('pvc_00%024d', n), '2026-01-01T00:00:00.000Z', 'GET', '/Users', 200, '{}' FROM n`,
      ...[tenant.id, id, count],
    );
  await tenant.db.batch([fill(directory, KEPT_CALLS + 100), fill(other, KEPT_CALLS + 100)]);
  // One call in thirty-two looks after the log: those whose id ends so.
  const { newId } = services();
  const looking = { ...services(), newId: (kind: Parameters<typeof newId>[0]) => `${newId(kind).slice(0, -1)}0` };
  const client = scim(
    directory,
    withServices({ ...services(), newId: (kind) => (kind === 'provisioningCall' ? looking : services()).newId(kind) }),
  );
  await made(client.post('/Users', userBody(unique())));
  const kept = async ({ id }: Directory) =>
    tenant.db.first<{ n: number; oldest: string }>(
      'SELECT count(*) AS n, min(id) AS oldest FROM provisioning_calls WHERE tenant_id = ? AND provider_id = ?',
      ...[tenant.id, id],
    );
  // 2,100 and the call itself: the first 101 are gone.
  expect(await kept(directory)).toMatchObject({ n: KEPT_CALLS, oldest: `pvc_00${'102'.padStart(24, '0')}` });
  expect(await kept(other)).toMatchObject({ n: KEPT_CALLS + 100 });
  const newest = await tenant.db.first<{ method: string }>(
    'SELECT method FROM provisioning_calls WHERE tenant_id = ? AND provider_id = ? ORDER BY id DESC LIMIT 1',
    ...[tenant.id, directory.id],
  );
  expect(newest?.method).toBe('POST');
});
