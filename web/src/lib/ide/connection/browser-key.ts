import { browserKey } from '@gatehouse/core/protocol/connection.ts';
import { emptyStore, openDatabase, settled } from '../database.ts';
import type { ProofKey } from './ports.ts';

const DATABASE = 'gatehouse-key';
const STORE = 'keys';
const NAME = 'browser';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/** where nothing can be kept */
let unkept: CryptoKeyPair | null = null;

/**
 * The key of this browser: made once, and kept where its private half can be used but not read. Never rejects: where
 * nothing can be kept, the key lives as long as the page.
 */
export async function browserKeyIn(factory: IDBFactory): Promise<ProofKey> {
  const made = await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  try {
    const database = await openDatabase(factory, DATABASE, STORE);
    const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
    // one transaction, so that of two pages that come first at once both end up with the same key
    const kept: unknown = await settled(store.get(NAME));
    const pair = isKeyPair(kept) ? kept : made;
    if (pair === made) await settled(store.put(made, NAME));
    database.close();
    return await proofKeyOf(pair);
  } catch {
    unkept ??= made;
    return proofKeyOf(unkept);
  }
}

/** Removes the key from this browser. Never rejects. */
export const forgetBrowserKey = (factory: IDBFactory): Promise<void> => emptyStore(factory, DATABASE, STORE);

/** A pair of WebCrypto as the connection uses it. */
export async function proofKeyOf({ publicKey, privateKey }: CryptoKeyPair): Promise<ProofKey> {
  return { publicKey: browserKey.parse(await crypto.subtle.exportKey('jwk', publicKey)), privateKey };
}

const isKeyPair = (kept: unknown): kept is CryptoKeyPair =>
  typeof kept === 'object' && kept !== null && 'privateKey' in kept && kept.privateKey instanceof CryptoKey && 'publicKey' in kept;
