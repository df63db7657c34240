import { parseSettings, type Env } from './platform/env.ts';
import { base64url } from './platform/encoding.ts';

/** A page may load and run only what this origin serves (`wasm-unsafe-eval`: WebAssembly, which plays recordings; no script text is evaluated); styles that the editor and the terminal insert carry the nonce. */
const policyWith = (nonce: string, host: string) =>
  [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'wasm-unsafe-eval'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self' ws://${host} wss://${host}`,
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ].join('; ');

const IDE = /^\/w\/[^/]+$/;

/** The web app: a static page for every path, whose inline parts get a nonce of their own with each answer. */
export async function servePage(request: Request, env: Env): Promise<Response> {
  const settings = parseSettings(env);
  const url = new URL(request.url);
  // Passkeys and __Host- cookies belong to one origin: the local server also listens on its number.
  if (settings.ENVIRONMENT === 'local' && url.hostname === '127.0.0.1') {
    return Response.redirect(`${settings.ORIGIN}${url.pathname}${url.search}`, 307);
  }
  // Of a workspace: the page that names what the IDE begins with (`web/ide-page.ts`).
  const asset = await env.ASSETS.fetch(IDE.test(url.pathname) ? new Request(new URL('/ide', url), request) : request);
  const headers = new Headers(asset.headers);
  headers.set('X-Content-Type-Options', 'nosniff');
  headers.set('Referrer-Policy', 'no-referrer');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  if (settings.ENVIRONMENT === 'deployed') headers.set('Strict-Transport-Security', 'max-age=63072000; includeSubDomains');
  if (!headers.get('Content-Type')?.startsWith('text/html')) {
    // A missing script must not be answered with the page: after a deploy old tabs would run HTML as a module.
    return new Response(asset.body, { status: asset.status, headers });
  }
  if (url.pathname.startsWith('/_app/')) return new Response('Not found', { status: 404, headers: { 'Content-Type': 'text/plain' } });
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
  headers.set('Content-Security-Policy', policyWith(nonce, new URL(settings.ORIGIN).host));
  headers.set('Permissions-Policy', 'camera=(), microphone=(), geolocation=()');
  headers.set('Cache-Control', 'no-cache');
  headers.delete('ETag');
  headers.delete('Content-Length');
  const html = (await asset.text()).replaceAll('%gatehouse.nonce%', nonce);
  return new Response(html, { status: asset.status, headers });
}
