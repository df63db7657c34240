import { describe, expect, it } from 'vitest';
import { makeIssuer, type NetworkWish, type PolicyWish } from '../../test/support/issuer.ts';
import { NO_NETWORK } from '@gatehouse/core/protocol/runner-policy.ts';
import { mintId } from '../../test/support/mint.ts';
import { boundOf, enforcesWhat, PolicyChecker, PolicyRefused } from './policy.ts';

async function checker(hasNetwork = true) {
  const issuer = await makeIssuer('https://gatehouse.example');
  const [runnerId, workspaceId] = [mintId('runner'), mintId('workspace')];
  const policies = new PolicyChecker({ keys: issuer.keys, issuer: issuer.issuer, runnerId, enforces: enforcesWhat(hasNetwork) });
  const sign = (wish: Partial<PolicyWish> = {}) => issuer.policy({ runnerId, workspaceId, ...wish });
  const signNetwork = (wish: Partial<NetworkWish> = {}) => issuer.network({ runnerId, workspaceId, ...wish });
  const check = (wish?: Partial<PolicyWish>, network?: string) => policies.check(sign(wish), workspaceId, network);
  return { policies, sign, signNetwork, workspaceId, check };
}

describe('the policy of a workspace', () => {
  it('is taken when it is signed for this workspace on this runner', async () => {
    const { check } = await checker();
    expect(await check({ policy: { upload: 20, download: 0 }, issuedAt: 7 })).toEqual({
      policy: { upload: 20, download: 0 },
      network: NO_NETWORK,
      opens: null,
      issuedAt: 7,
    });
  });

  const wrong: [string, Partial<PolicyWish>][] = [
    ['another runner', { runnerId: mintId('runner') }],
    ['another workspace', { workspaceId: mintId('workspace') }],
    ['another issuer', { issuer: 'https://evil.example' }],
    ['the type of a grant', { type: 'gatehouse-grant+jwt' }],
    ['a value that is none', { policy: { upload: 'much' } }],
  ];
  it.each(wrong)('is refused with %s', async (_name, wish) => {
    const { check } = await checker();
    await expect(check(wish)).rejects.toThrow(PolicyRefused);
  });

  it('is refused when it is missing, changed on its way, or signed by another', async () => {
    const { policies, sign, workspaceId } = await checker();
    const other = await checker();
    await expect(policies.check(undefined, workspaceId)).rejects.toThrow('no policy');
    await expect(policies.check(other.sign(), workspaceId)).rejects.toThrow('not signed');
    const [header, , signature] = sign({ policy: { upload: 1 } }).split('.');
    const [, loose] = sign({ policy: {} }).split('.');
    await expect(policies.check(`${header}.${loose}.${signature}`, workspaceId)).rejects.toThrow('not signed');
  });

  it('is refused, naming the field, when it sets one that this runner can’t enforce', async () => {
    const { check } = await checker();
    await expect(check({ policy: { upload: 20, moon: 'full' } })).rejects.toThrow(/can’t enforce what the policy sets: moon/);
    expect(enforcesWhat(true)).toEqual(['upload', 'download', 'clipboardOut', 'clipboardIn', 'egress', 'recording', 'egressHosts', 'git']);
  });

  it('is refused by a machine that can’t give a sandbox a network of its own, where it limits egress', async () => {
    const { check } = await checker(false);
    await expect(check({ policy: { egress: 'none' } })).rejects.toThrow(/can’t enforce what the policy sets: egress/);
    expect(enforcesWhat(false)).toEqual(['upload', 'download', 'clipboardOut', 'clipboardIn', 'recording']);
  });
});

describe('what a workspace may reach', () => {
  const network = { hosts: ['a.test'], git: { fetch: [], push: [] }, resources: [{ name: 'db', host: 'db.test', port: 5432 }] };

  it('comes signed beside the policy that limits it', async () => {
    const { check, signNetwork } = await checker();
    expect((await check({ policy: { egress: 'allow-list' } }, signNetwork({ network }))).network).toEqual(network);
  });

  it('is refused when it is missing, for another workspace, or signed as something else', async () => {
    const { check, sign, signNetwork } = await checker();
    const limited = { policy: { egress: 'allow-list' } };
    await expect(check(limited)).rejects.toThrow(/does not say what may be reached/);
    await expect(check(limited, sign())).rejects.toThrow(/not signed/);
    await expect(check(limited, signNetwork({ network, workspaceId: mintId('workspace') }))).rejects.toThrow(/another workspace/);
    const other = await checker();
    await expect(check(limited, other.signNetwork({ network }))).rejects.toThrow(/not signed/);
  });
});

describe('what it bounds', () => {
  it('is bytes; nothing where it is left out; a refusal where it blocks, and before it is known', () => {
    expect(boundOf({ upload: 2 }, 'upload')).toBe(2 * 1024 * 1024);
    expect(boundOf({ upload: 2 }, 'download')).toBeNull();
    expect(() => boundOf({ download: 0 }, 'download')).toThrow(/blocked by your organisation/);
    expect(() => boundOf(null, 'upload')).toThrow(/not arrived/);
  });
});
