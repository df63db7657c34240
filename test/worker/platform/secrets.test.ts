import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { operatorRekeyed } from '@gatehouse/core/api/deployment.ts';
import { rotateKeys } from '../../../worker/directory/operator-keys.ts';
import type { OperatorContext } from '../../../worker/directory/operator.ts';
import { Secrets, type WrappingKeys } from '../../../worker/platform/secrets.ts';
import { call, eventsOf, mintTenant, read, requestFrom, services, type Tenant } from '../../support/tenants.ts';

const key = (byte: number) =>
  btoa(String.fromCharCode(...new Uint8Array(32).fill(byte)))
    .replaceAll('=', '')
    .replaceAll('/', '_');
const [OLD, NEW] = [
  { version: 'v1', key: services().settings.KEK },
  { version: 'v2', key: key(7) },
];
const deployment = (keys: WrappingKeys): OperatorContext => ({
  ...services(),
  // What fails on purpose need not fill the report.
  log: () => undefined,
  ...{ request: requestFrom('192.0.2.1'), actor: { type: 'operator' }, secrets: new Secrets(keys, services().random) },
});
const before = deployment({ current: OLD, former: null });
const during = deployment({ current: NEW, former: OLD });
const after = deployment({ current: NEW, former: null });

const place = { table: 'siem_destinations', column: 'secret', row: 'snk_1' };
const seal = async (tenant: Tenant) => ({ tenant, sealed: await before.secrets.seal(tenant.db, place, `of ${tenant.id}`) });
type Sealed = Awaited<ReturnType<typeof seal>>;
const opens = ({ secrets }: OperatorContext, { tenant, sealed }: Sealed) => secrets.open(tenant.db, place, sealed);
const versionOf = async ({ tenant }: Sealed) =>
  (await tenant.db.first<{ kek_version: string }>('SELECT kek_version FROM tenant_keys WHERE tenant_id = ?', tenant.id))?.kek_version;
const rekeyings = async ({ tenant }: Sealed) => (await eventsOf(tenant)).filter(({ action }) => action === 'tenant.rekey');

/** Of each of some tenants, a secret that the former key guards. */
const some = async (count: number) => Promise.all(Array.from({ length: count }, async () => seal(await mintTenant())));

describe('rotating the key-encryption key', () => {
  test('killed midway: what is sealed opens before, between and after, and each data key is wrapped anew once, with its event', async () => {
    const all = await some(5);
    let calls = 0;
    const dying: OperatorContext = {
      ...during,
      tenantDb: (shard, id) => {
        if (++calls > 2) throw new Error('The isolate is gone');
        return during.tenantDb(shard, id);
      },
    };
    const { done, left, failed } = await rotateKeys(dying);
    expect([done, failed.length]).toEqual([2, left]);
    const versions = await Promise.all(all.map(versionOf));
    expect(new Set(versions)).toEqual(new Set(['v1', 'v2']));
    for (const each of all) expect(await opens(during, each)).toBe(`of ${each.tenant.id}`);

    // Another starts meanwhile: whatever both take is wrapped once.
    await Promise.all([rotateKeys(during), rotateKeys(during)]);
    expect(await rotateKeys(during)).toEqual({ version: 'v2', done: 0, left: 0, failed: [] });
    for (const each of all) {
      expect(await opens(after, each)).toBe(`of ${each.tenant.id}`);
      expect(await rekeyings(each)).toMatchObject([{ actor: { type: 'operator' }, details: { from: 'v1', to: 'v2' } }]);
    }
  });

  test('without the former key nothing is lost: it says which one is missing, and whose data key waits', async () => {
    const [sealed = expect.fail()] = await some(1);
    const { done, failed } = await rotateKeys(after);
    expect(done).toBe(0);
    expect(failed).toContainEqual({
      tenant: sealed.tenant.id,
      why: 'A data key is wrapped by key v1, which is not among the settings',
    });
    await expect(opens(after, sealed)).rejects.toThrow('v1');
    expect(await opens(before, sealed)).toBe(`of ${sealed.tenant.id}`);
    expect(await rekeyings(sealed)).toEqual([]);
  });

  test('a data key that was moved to another organisation does not open', async () => {
    const [one = expect.fail(), other = expect.fail()] = await some(2);
    await env.SHARD_0.prepare(
      'UPDATE tenant_keys SET wrapped = (SELECT wrapped FROM tenant_keys WHERE tenant_id = ?1) WHERE tenant_id = ?2',
    )
      .bind(one.tenant.id, other.tenant.id)
      .run();
    await expect(opens(before, other)).rejects.toThrow('does not open');
    const { failed } = await rotateKeys(during);
    expect(failed.map(({ tenant }) => tenant)).toEqual([other.tenant.id]);
  });

  test('where the current key wraps all, there is nothing to do', async () => {
    await some(1);
    const answer = await call('POST', '/operator/keys/rotate', { headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` } });
    expect(read(answer, operatorRekeyed)).toMatchObject({ version: 'v1' });
  });
});
