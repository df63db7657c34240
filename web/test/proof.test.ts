import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { proofOf } from '#lib/api/proof.ts';
import { heardDate, serverNow } from '#lib/api/server-clock.ts';
import SignIn from '../src/routes/(public)/signin/+page.svelte';
import { jsonAnswer } from './api.ts';
import { me } from './data.ts';
import { page } from './router.ts';

beforeEach(() => {
  page.url = new URL('http://localhost/signin');
});
afterEach(() => heardDate(new Date().toUTCString()));

it('signing in proves the browser’s key, for this request at this address', async () => {
  const sent: Array<{ url: string; proof: string | null }> = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    sent.push({ url, proof: new Headers(init.headers).get('DPoP') });
    return jsonAnswer(me());
  });
  render(SignIn);
  const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
  await type('Organisation', 'meridian-rail');
  await type('E-mail', 'ines@meridian.example');
  await type('Password', 'whatever it is');
  await fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  // What is asked while somebody types their organisation needs no proof.
  const signIns = () => sent.filter(({ url }) => url.endsWith('/login'));
  await waitFor(() => expect(signIns()).toHaveLength(1));
  const proof = signIns()[0]?.proof ?? '';
  expect(decodeJwt(proof)).toMatchObject({ htm: 'POST', htu: `${location.origin}/api/v1/login` });
  const header = decodeProtectedHeader(proof);
  expect(header).toMatchObject({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty: 'EC', crv: 'P-256' } });
  expect(header.jwk).not.toHaveProperty('d');
  await jwtVerify(proof, await importJWK(header.jwk ?? {}, 'ES256'));
});

it('each proof is another one, by the same key', async () => {
  const [one, two] = [await proofOf('POST', '/login'), await proofOf('POST', '/login')].map(({ headers }) => headers['DPoP'] ?? '');
  expect(decodeJwt(one ?? '').jti).not.toBe(decodeJwt(two ?? '').jti);
  expect(decodeProtectedHeader(one ?? '').jwk).toEqual(decodeProtectedHeader(two ?? '').jwk);
});

it('is made at the service’s time where this device’s clock is wrong', async () => {
  heardDate(new Date(Date.now() + 3_600_000).toUTCString());
  expect(serverNow() - Date.now()).toBeGreaterThan(3_590_000);
  const { headers } = await proofOf('POST', '/login');
  expect((decodeJwt(headers['DPoP'] ?? '').iat ?? 0) * 1000 - Date.now()).toBeGreaterThan(3_590_000);
  heardDate(null);
  heardDate('rubbish');
  expect(serverNow() - Date.now()).toBeGreaterThan(3_590_000);
});
