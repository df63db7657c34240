import { GRANT_TYPE, type ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
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

/** Signs viewer grants as the platform does. */
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
  return { issuer, keys: [{ kty, crv, x, kid: 'one' }], grant };
}
