import type { BrowserContext } from 'playwright-core';

export interface Account {
  tenant: string;
  email: string;
  password: string;
}

/**
 * Signs a real browser in with a key of its own, as the sign-in page does, without loading a page of ours: caches stay
 * cold. A cookie that is copied into a browser opens no workspace there.
 */
export async function signInBrowser(context: BrowserContext, origin: string, account: Account): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${origin}/api/v1/health`);
  await page.evaluate(beginSession, account);
  await page.close();
}

/** Runs in the browser, so it stands alone. */
async function beginSession(account: Account): Promise<void> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const opened = Promise.withResolvers<IDBDatabase>();
  const request = indexedDB.open('gatehouse-key', 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore('keys'));
  request.addEventListener('success', () => opened.resolve(request.result));
  const database = await opened.promise;
  const kept = Promise.withResolvers<undefined>();
  const put = database.transaction('keys', 'readwrite').objectStore('keys').put(pair, 'browser');
  put.addEventListener('success', () => kept.resolve(undefined));
  await kept.promise;
  database.close();

  const base64url = (bytes: Uint8Array): string =>
    btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');
  const part = (value: object): string => base64url(new TextEncoder().encode(JSON.stringify(value)));
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const htu = `${location.origin}/api/v1/login`;
  const claims = { htm: 'POST', htu, jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1000) };
  const text = `${part({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } })}.${part(claims)}`;
  const signed = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, new TextEncoder().encode(text));
  const answer = await fetch('/api/v1/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', DPoP: `${text}.${base64url(new Uint8Array(signed))}` },
    body: JSON.stringify(account),
  });
  if (!answer.ok) throw new Error(`Signing in answered ${answer.status}: ${await answer.text()}`);
}
