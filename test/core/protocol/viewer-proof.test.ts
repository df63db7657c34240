import { createVerify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signViewerProof, thumbprint, verifyViewerProof, viewerKey, type ViewerKey } from '../../../core/protocol/viewer-proof.ts';

const hash = Uint8Array.from({ length: 32 }, (_, index) => index);

/** A key as a browser makes it: only the public half can be exported. */
async function browserKey() {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])) as CryptoKeyPair;
  return { key: pair.privateKey, jwk: viewerKey.parse(await crypto.subtle.exportKey('jwk', pair.publicKey)) };
}

describe('E10 a viewer’s proof', () => {
  test('shows that the browser key took part in this handshake', async () => {
    const { key, jwk } = await browserKey();
    const signature = await signViewerProof(key, hash);
    expect(signature).toMatch(/^[A-Za-z0-9_-]{86}$/);
    expect(await verifyViewerProof(jwk, hash, signature)).toBe(true);
  });

  test('signs the purpose, a zero byte and the handshake hash', async () => {
    const { key, jwk } = await browserKey();
    const signature = Buffer.from(await signViewerProof(key, hash), 'base64url');
    const verify = createVerify('sha256').update('gatehouse-viewer-proof-v1\0').update(hash);
    expect(verify.verify({ key: jwk, format: 'jwk', dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  });

  test('is refused for another handshake or another key', async () => {
    const { key, jwk } = await browserKey();
    const signature = await signViewerProof(key, hash);
    expect(await verifyViewerProof(jwk, new Uint8Array(32), signature)).toBe(false);
    expect(await verifyViewerProof((await browserKey()).jwk, hash, signature)).toBe(false);
  });

  test('is refused, not an error, when signature or key are rubbish', async () => {
    const { key, jwk } = await browserKey();
    const signature = await signViewerProof(key, hash);
    const offCurve: ViewerKey = { ...jwk, y: jwk.x };
    expect(await verifyViewerProof(offCurve, hash, signature)).toBe(false);
    for (const wrong of ['', '?', signature.slice(4), `${signature}AAAA`, 'A'.repeat(86)]) {
      expect(await verifyViewerProof(jwk, hash, wrong)).toBe(false);
    }
  });
});

describe('the key of a viewer', () => {
  test('is a public key on P-256: what else comes with it is dropped', async () => {
    const { jwk } = await browserKey();
    expect(viewerKey.parse({ ...jwk, d: jwk.x, ext: true, key_ops: ['verify'] })).toEqual(jwk);
    expect(viewerKey.safeParse({ ...jwk, crv: 'P-384' }).success).toBe(false);
  });

  test('is named by its thumbprint (RFC 7638), as other implementations compute it', async () => {
    // computed with OpenSSL over the members in alphabetical order
    const jwk: ViewerKey = {
      kty: 'EC',
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    };
    expect(await thumbprint(jwk)).toBe('cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s');
  });
});
