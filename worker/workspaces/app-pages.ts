import { base64url } from '../platform/encoding.ts';

/** What stands on an app's host where the app does not: said by the service, in its own words. */
export interface AppPage {
  status: number;
  title: string;
  text: string;
  /** where it goes on */
  action?: { label: string; href: string };
  /** seconds after which the page is loaded again */
  again?: number;
  /** set off, as a detail */
  detail?: string;
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[char] ?? char);

const STYLE = `:root{color-scheme:light dark;--bg:light-dark(oklch(.995 .001 95),oklch(.186 .006 225));--fg:light-dark(oklch(.235 .008 95),oklch(.935 .004 225));
--muted:light-dark(oklch(.45 .008 95),oklch(.745 .008 225));--accent:light-dark(oklch(.475 .08 208),oklch(.79 .1 196));--on:light-dark(#fff,oklch(.19 .025 210))}
*{box-sizing:border-box}[hidden]{display:none!important}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--bg);color:var(--fg);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}main{width:100%;max-width:440px}h1{font-size:20px;line-height:1.3;margin:0 0 8px;
font-weight:600}p{margin:0 0 16px;color:var(--muted);overflow-wrap:anywhere}a.go{display:inline-block;padding:8px 16px;border-radius:6px;
background:var(--accent);color:var(--on);text-decoration:none;font-weight:500}a.go:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.again{display:flex;gap:8px;align-items:center;font-size:13px}.again i{width:8px;height:8px;border-radius:50%;background:var(--accent);
animation:beat 1.6s ease-in-out infinite}@keyframes beat{50%{opacity:.25}}@media(prefers-reduced-motion:reduce){.again i{animation:none}}
code{font:13px/1.5 ui-monospace,monospace;color:var(--fg)}`;

const nonceOf = () => base64url(crypto.getRandomValues(new Uint8Array(16)));

const headersOf = (nonce: string, connect: boolean): Record<string, string> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src 'nonce-${nonce}'; ${connect ? `script-src 'nonce-${nonce}'; connect-src 'self'; ` : ''}base-uri 'none'; form-action 'none'; frame-ancestors 'self'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex',
});

const html = (nonce: string, title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style nonce="${nonce}">${STYLE}</style></head><body><main>${body}</main></body></html>`;

/** Names the page, so that it knows whether it still stands for what is so. No app can say it. */
const PAGE_HEADER = 'Gatehouse-Page';
const pageName = (title: string): string => encodeURIComponent(title).replaceAll("'", '%27');

/** Looks again until there is another answer, and only then loads it: whoever reads the page is not thrown back to its top. */
const askAgain = ({ title, again = 1 }: AppPage): string => `const look = async () => {
  const answer = await fetch(location.href, { method: 'HEAD' }).catch(() => null);
  if (answer !== null && answer.headers.get('${PAGE_HEADER}') !== '${pageName(title)}') return location.reload();
  setTimeout(look, ${again * 1000});
};
setTimeout(look, ${again * 1000});`;

/** A page for people; a line of text for a page's own requests, which show nobody a page. */
export function answerPage(request: Request, page: AppPage): Response {
  const named: Record<string, string> = {
    [PAGE_HEADER]: pageName(page.title),
    ...(page.again === undefined ? {} : { 'Retry-After': String(page.again) }),
  };
  const dest = request.headers.get('Sec-Fetch-Dest');
  if (dest !== 'document' && dest !== 'iframe') {
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...named };
    return new Response(`${page.title}. ${page.text}\n`, { status: page.status, headers });
  }
  const nonce = nonceOf();
  const action =
    page.action === undefined ? '' : `<p><a class="go" href="${escaped(page.action.href)}">${escaped(page.action.label)}</a></p>`;
  const again = page.again === undefined ? '' : '<p class="again" role="status"><i></i>This page tries again by itself.</p>';
  const detail = page.detail === undefined ? '' : `<p><code>${escaped(page.detail)}</code></p>`;
  const script = page.again === undefined ? '' : `<script type="module" nonce="${nonce}">${askAgain(page)}</script>`;
  const body = `<h1>${escaped(page.title)}</h1><p>${escaped(page.text)}</p>${detail}${action}${again}${script}`;
  return new Response(html(nonce, page.title, body), {
    status: page.status,
    headers: { ...headersOf(nonce, page.again !== undefined), ...named },
  });
}

/**
 * Takes the code out of the address, exchanges it for the cookie and goes to the app. It looks whether the cookie comes back:
 * a browser that keeps none would be sent to and fro for ever.
 */
const ENTER = `const [code, to = ''] = location.hash.slice(1).split('&to=');
history.replaceState(null, '', location.pathname);
const path = to === '' ? '/' : decodeURIComponent(to);
const target = new URL(path, location.origin);
const say = (text) => { document.querySelector('p').textContent = text; document.querySelector('.again').hidden = true; document.querySelector('.go').hidden = false; };
try {
  const entered = await fetch('/.gatehouse/enter', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }) });
  if (!entered.ok) say(await entered.text());
  else if (!(await fetch('/.gatehouse/here')).ok) say('This browser does not keep the cookie of this address. Allow it, then open the app again.');
  else location.replace(target.origin === location.origin ? target : '/');
} catch { say('Gatehouse can’t be reached. Check your connection, then open the app again.'); }`;

/** @param back where the app is opened again */
export function enterPage(name: string, back: string): Response {
  const nonce = nonceOf();
  const body = `<h1>Opening ${escaped(name)}</h1><p>One moment.</p><p class="again" role="status"><i></i>Signing in to this address</p><p><a class="go" hidden href="${escaped(back)}">Open it again</a></p>`;
  const script = `<script type="module" nonce="${nonce}">${ENTER}</script>`;
  return new Response(html(nonce, `Opening ${name}`, body + script), { headers: headersOf(nonce, true) });
}
