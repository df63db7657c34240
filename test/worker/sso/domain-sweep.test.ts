import { beforeEach, describe, expect, test } from 'vitest';
import { domainChecked, domainList, PROOF_DAYS, realm } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { sweepDomains } from '../../../worker/sso/domain-sweep.ts';
import { KNOWN_CHALLENGE, makeDomain } from '../../support/route-calls/sso.ts';
import { mailSaying } from '../../support/factors.ts';
import { api, call, eventsOf, mailTo, mintTenant, read, services, type Tenant } from '../../support/tenants.ts';

/** A mail domain that was proved is looked at again: once a day, told first, and unproved when its record stays away. */

const DAY = 86_400_000;
const DOMAIN = 'provable.example';
const RECORD = `gatehouse-verification=${KNOWN_CHALLENGE}`;
let tenant: Tenant;

/** The sweep so many days on, where DNS says that. */
const sweep = (days: number, says: (name: string) => Promise<string[]>) => {
  const then: Services = { ...services(), now: () => new Date(Date.now() + days * DAY), resolveTxt: says };
  return sweepDomains(then);
};
const there = () => Promise.resolve(['other', RECORD]);
const gone = () => Promise.resolve(['other']);
const silent = () => Promise.reject(new AppError('unavailable', 'Nobody can say'));
const shown = async () => read(await api(tenant.owner).get('/identity-providers/domains'), domainList).items[0];
const leadsTo = async () => read(await call('POST', '/login/realm', { body: { email: `anybody@${DOMAIN}` } }), realm).tenant;
const told = async () =>
  (await eventsOf(tenant))
    .filter(({ action, actor }) => action.startsWith('idp.domain.') && actor.type === 'system')
    .map(({ action, outcome }) => `${action} ${outcome}`);

beforeEach(async () => {
  if (tenant) await api(tenant.owner).delete(`/identity-providers/domains/${DOMAIN}`);
  tenant = await mintTenant();
  await makeDomain(tenant, DOMAIN);
  read(await api(tenant.owner).post(`/identity-providers/domains/${DOMAIN}/verify`), domainChecked);
});

describe('a proved mail domain', () => {
  test('stays proved, in silence, while its record is there', async () => {
    for (const days of [0.5, 1.1, 2.2, 30]) await sweep(days, there);
    expect(await shown()).toMatchObject({ verifiedAt: expect.any(String), missing: null });
    expect([await told(), await leadsTo()]).toEqual([[], tenant.slug]);
  });

  test('whose record is gone is told of once, by event, by mail and on the page, and ends after days', async () => {
    await sweep(0.5, gone);
    expect((await shown())?.missing).toBeNull();
    await sweep(1.1, gone);
    const warned = await shown();
    expect(warned).toMatchObject({ verifiedAt: expect.any(String), missing: { since: expect.any(String), endsAt: expect.any(String) } });
    expect(Date.parse(warned?.missing?.endsAt ?? '') - Date.parse(warned?.missing?.since ?? '')).toBe(PROOF_DAYS * DAY);
    expect(await mailSaying(tenant.owner.email, /is not in its DNS any more/)).toContain(`_gatehouse.${DOMAIN} TXT "${RECORD}"`);
    for (const days of [2.2, 5, 8]) await sweep(days, gone);
    expect([await told(), await leadsTo()]).toEqual([['idp.domain.verify failure'], tenant.slug]);
    await sweep(9.2, gone);
    expect(await shown()).toMatchObject({ verifiedAt: null, missing: null });
    expect([await told(), await leadsTo()]).toEqual([['idp.domain.verify failure', 'idp.domain.lapse success'], null]);
    expect((await mailTo(tenant.owner.email))?.subject).toContain('is not proved any more');
    await sweep(20, gone);
    expect(await told()).toHaveLength(2);

    // Proved anew, it counts anew.
    read(await api(tenant.owner).post(`/identity-providers/domains/${DOMAIN}/verify`), domainChecked);
    expect(await leadsTo()).toBe(tenant.slug);
  });

  test('whose record comes back begins anew; whoever looks by hand does the same', async () => {
    await sweep(1.1, gone);
    await sweep(7.5, there);
    expect((await shown())?.missing).toBeNull();
    await sweep(8.6, gone);
    await sweep(14, gone);
    expect((await shown())?.verifiedAt).not.toBeNull();
    expect(await told()).toEqual(['idp.domain.verify failure', 'idp.domain.verify success', 'idp.domain.verify failure']);
    read(await api(tenant.owner).post(`/identity-providers/domains/${DOMAIN}/verify`), domainChecked);
    expect((await shown())?.missing).toBeNull();
  });

  test('loses nothing by a DNS that does not answer, which is asked again within the hour', async () => {
    await sweep(1.1, silent);
    await sweep(30, silent);
    expect(await shown()).toMatchObject({ verifiedAt: expect.any(String), missing: null });
    let asked = 0;
    const counting = () => {
      asked++;
      return silent();
    };
    await sweep(30 + 0.5 / 24, counting);
    expect(asked).toBe(0);
    await sweep(30 + 1.5 / 24, counting);
    expect(asked).toBe(1);
    expect(await told()).toEqual([]);
  });

  test('that the directory let go of before it broke off is taken again, or ends where another has it', async () => {
    const { directory } = services();
    await directory.prepare('DELETE FROM mail_domains WHERE domain = ?').bind(DOMAIN).run();
    await sweep(1.1, there);
    expect(await leadsTo()).toBe(tenant.slug);
    const other = await mintTenant();
    await directory.prepare('UPDATE mail_domains SET tenant_id = ? WHERE domain = ?').bind(other.id, DOMAIN).run();
    await sweep(2.2, there);
    expect([(await shown())?.verifiedAt, await leadsTo()]).toEqual([null, other.slug]);
    await directory.prepare('DELETE FROM mail_domains WHERE domain = ?').bind(DOMAIN).run();
  });
});
