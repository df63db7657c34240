import { DPOP_HEADER, signDpop } from '@gatehouse/core/protocol/dpop.ts';
import { browserKeyIn } from '../ide/connection/browser-key.ts';
import type { ProofKey } from '../ide/connection/ports.ts';
import { serverNow } from './server-clock.ts';

/** The key of this browser, as it is kept now: another tab may have signed out and in since. */
export const browserKey = (): Promise<ProofKey> => browserKeyIn(globalThis.indexedDB);

/** What shows, with one request, that this browser holds its key: without it no session is bound to it, and no workspace opens. */
export async function proofOf(method: string, path: string, key?: ProofKey): Promise<{ headers: Record<string, string> }> {
  const url = `${location.origin}/api/v1${path}`;
  return { headers: { [DPOP_HEADER]: await signDpop(key ?? (await browserKey()), { method, url, now: serverNow() }) } };
}
