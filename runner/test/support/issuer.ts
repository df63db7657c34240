import { GRANT_TYPE, type ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { KeyObject, sign } from 'node:crypto';
import { NETWORK_TYPE, NO_NETWORK, POLICY_TYPE } from '@gatehouse/core/protocol/runner-policy.ts';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { mintId } from './mint.ts';

export interface GrantWish {
  runnerId: string;
  workspaceId: string;
  /** thumbprint of the browser's key */
  jkt?: string;
  access?: ViewerAccess;
  userId?: string;
  jti?: string;
  issuer?: string;
  type?: string;
  issuedAt?: number;
  life?: number;
}

export interface PolicyWish {
  runnerId: string;
  workspaceId: string;
  policy?: Record<string, unknown>;
  issuer?: string;
  type?: string;
  issuedAt?: number;
}

export interface NetworkWish {
  runnerId: string;
  workspaceId: string;
  network?: object;
}

/** Signs viewer grants and policies as the platform does. */
export async function makeIssuer(issuer = 'http://localhost:8787') {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const { kty = '', crv = '', x = '' } = await exportJWK(publicKey);
  const grant = (wish: GrantWish): Promise<string> => {
    const issuedAt = wish.issuedAt ?? Math.floor(Date.now() / 1000);
    return new SignJWT({ workspace: wish.workspaceId, name: 'Ada', access: wish.access ?? 'own', cnf: { jkt: wish.jkt ?? 'none' } })
      .setProtectedHeader({ alg: 'EdDSA', typ: wish.type ?? GRANT_TYPE, kid: 'one' })
      .setIssuer(wish.issuer ?? issuer)
      .setAudience(wish.runnerId)
      .setSubject(wish.userId ?? mintId('user'))
      .setJti(wish.jti ?? mintId('connection'))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + (wish.life ?? 60))
      .sign(privateKey);
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = (typ: string, claims: object): string => {
    const text = `${part({ alg: 'EdDSA', typ, kid: 'one' })}.${part(claims)}`;
    return `${text}.${sign(null, Buffer.from(text), KeyObject.from(privateKey)).toString('base64url')}`;
  };
  const now = () => Math.floor(Date.now() / 1000);
  /** A runner's policy, signed on the spot. */
  const policy = (wish: PolicyWish): string => {
    const about = { iss: wish.issuer ?? issuer, aud: wish.runnerId, sub: wish.workspaceId, iat: wish.issuedAt ?? now() };
    return signed(wish.type ?? POLICY_TYPE, { ...about, policy: wish.policy ?? {} });
  };
  /** What a workspace may reach, likewise. */
  const network = (wish: NetworkWish): string =>
    signed(NETWORK_TYPE, { iss: issuer, aud: wish.runnerId, sub: wish.workspaceId, iat: now(), network: wish.network ?? NO_NETWORK });
  return { issuer, keys: [{ kty, crv, x, kid: 'one' }], grant, policy, network };
}
