import { browserKey, type BrowserKey } from '@gatehouse/core/protocol/connection.ts';
import { DPOP_HEADER, signDpop } from '@gatehouse/core/protocol/dpop.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/** Public half of the key that the tests' browsers have: the one of RFC 7517, appendix A.1. */
export const BROWSER_KEY: BrowserKey = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
};
/** RFC 7638 of it. */
export const BROWSER_THUMBPRINT = 'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s';
/** The private half, appendix A.2. */
const PRIVATE = { ...BROWSER_KEY, d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE' };

export interface KeyPair {
  publicKey: BrowserKey;
  privateKey: CryptoKey;
}

/** The key of the tests' browsers, to sign with. */
export const testBrowser = async (): Promise<KeyPair> => ({
  publicKey: BROWSER_KEY,
  privateKey: await crypto.subtle.importKey('jwk', PRIVATE, ALGORITHM, false, ['sign']),
});

/** Another browser. */
export async function otherBrowser(): Promise<KeyPair> {
  const pair = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  return { publicKey: browserKey.parse(await crypto.subtle.exportKey('jwk', pair.publicKey)), privateKey: pair.privateKey };
}

/** The header by which a browser proves its key. @param path below /api/v1 */
export async function proofHeader(
  method: string,
  path: string,
  { key, now = Date.now(), origin = 'https://gatehouse.test' }: { key?: KeyPair; now?: number; origin?: string } = {},
): Promise<Record<string, string>> {
  return { [DPOP_HEADER]: await signDpop(key ?? (await testBrowser()), { method, url: `${origin}/api/v1${path}`, now }) };
}
