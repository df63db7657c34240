import { describe, expect, it } from 'vitest';
import { makeIssuer, type GrantWish } from '../../test/support/issuer.ts';
import { FakeClock } from '../../test/support/clock.ts';
import { mintId } from '../../test/support/mint.ts';
import { GrantChecker } from './grant.ts';

async function checker() {
  const issuer = await makeIssuer('https://gatehouse.example');
  const [runnerId, workspaceId, clock] = [mintId('runner'), mintId('workspace'), new FakeClock()];
  const grants = new GrantChecker({ keys: issuer.keys, issuer: issuer.issuer, runnerId, clock });
  const grant = (wish: Partial<GrantWish> = {}) => issuer.grant({ runnerId, workspaceId, issuedAt: clock.now() / 1000, ...wish });
  return {
    grants,
    grant,
    workspaceId,
    clock,
    check: async (wish?: Partial<GrantWish>) => grants.check(await grant(wish), workspaceId, 'none'),
  };
}

describe('O4 a viewer grant', () => {
  it('is taken when all of it fits', async () => {
    const { check, workspaceId } = await checker();
    expect(await check()).toMatchObject({ workspace: workspaceId });
  });

  const wrong: [string, Partial<GrantWish>][] = [
    ['another runner', { runnerId: mintId('runner') }],
    ['another workspace', { workspaceId: mintId('workspace') }],
    ['another issuer', { issuer: 'https://evil.example' }],
    ['another type', { type: 'JWT' }],
    ['too long a life', { life: 3600 }],
    ['another browser’s key', { jkt: 'another' }],
    ['an end in the past', { issuedAt: Date.UTC(2026, 0, 1) / 1000 - 600 }],
  ];
  it.each(wrong)('is refused with %s', async (_name, wish) => {
    const { check } = await checker();
    await expect(check(wish)).rejects.toThrow(/grant/);
  });

  it('is refused with the signature of another, without one, or as rubbish', async () => {
    const { grants, workspaceId, grant } = await checker();
    const other = await checker();
    await expect(grants.check(await other.grant(), workspaceId, 'none')).rejects.toThrow('not valid');
    const [, payload] = (await grant()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'gatehouse-grant+jwt' })).toString('base64url');
    await expect(grants.check(`${none}.${payload}.`, workspaceId, 'none')).rejects.toThrow('not valid');
    await expect(grants.check('', workspaceId, 'none')).rejects.toThrow('not valid');
  });

  it('works once, also when tried twice at the same time', async () => {
    const { grants, grant, workspaceId } = await checker();
    const token = await grant();
    const tries = await Promise.allSettled([grants.check(token, workspaceId, 'none'), grants.check(token, workspaceId, 'none')]);
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(grants.check(token, workspaceId, 'none')).rejects.toThrow('used before');
  });

  it('needs keys that can check it', () => {
    const options = { issuer: 'x', runnerId: 'y', clock: new FakeClock() };
    expect(() => new GrantChecker({ ...options, keys: [{ kty: 'RSA' }] })).toThrow(/keys in the configuration/);
  });
});
