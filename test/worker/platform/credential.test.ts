import { describe, expect, test } from 'vitest';
import { CREDENTIALS, mintCredential, parseCredential, type CredentialKind } from '../../../worker/platform/credential.ts';
import { services } from '../../support/tenants.ts';

const KINDS = Object.keys(CREDENTIALS) as CredentialKind[];
const where = { shard: 's0', tenantId: 'tnt_01m856tm29e6frrs5mmr9m5rhs' };

describe('credentials', () => {
  test('API tokens begin with gh_, runners’ with ghr_: scripts and scanners outside rely on it', () => {
    expect(CREDENTIALS).toMatchObject({ token: 'gh_', runner: 'ghr_' });
  });

  test('no kind’s prefix begins another kind’s', () => {
    for (const one of KINDS)
      for (const other of KINDS) if (one !== other) expect(CREDENTIALS[one].startsWith(CREDENTIALS[other]), `${one} ${other}`).toBe(false);
  });

  test.each(KINDS)('a %s is read as what it is and as nothing else', async (kind) => {
    const { text, hash } = await mintCredential(kind, where, services().random);
    for (const other of KINDS) expect(await parseCredential(other, text)).toEqual(other === kind ? { ...where, hash } : null);
  });

  test('a token that was cut, mistyped or begins otherwise is none', async () => {
    const { text } = await mintCredential('token', where, services().random);
    const last = text.at(-1) === '0' ? '1' : '0';
    for (const wrong of [text.slice(0, -1), text.slice(0, -8), text.slice(0, -1) + last, `g${text}`, text.replace('gh_', 'gat_')])
      expect(await parseCredential('token', wrong), wrong).toBeNull();
  });
});
