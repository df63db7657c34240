import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../../support/browser.ts';
import { signInBrowser } from '../../support/browser-session.ts';
import { type Options, shuffled, within } from '../measure.ts';
import { ACCOUNT, type Product } from '../product.ts';
import type { Relay } from '../relay.ts';
import type { Rows } from '../turns.ts';

/** Isolated from all others, a page has a clock of 5 µs instead of 100. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Keystrokes as a browser sends and sees them: the page's own connection, on its WebCrypto and its sockets. */
export async function echoInChromium(product: Product, floor: Relay, rows: Rows, { quick }: Options): Promise<void> {
  const script = await bundle();
  const browser = await launchBrowser([], ['LocalNetworkAccessChecks']);
  try {
    const context = await browser.newContext();
    await signInBrowser(context, product.origin, ACCOUNT);
    await context.route(`${product.origin}/measured`, (route) =>
      route.fulfill({ contentType: 'text/html', headers: ISOLATED, body: `<!doctype html><script>${script}</script>` }),
    );
    const page = await context.newPage();
    for (let round = quick ? 1 : 3; round > 0; round--) {
      for (const system of shuffled(['gatehouse', 'relay'] as const)) {
        await page.goto(`${product.origin}/measured`);
        const session = system === 'relay' ? await floor.session() : null;
        const work = echoes(page, system, session?.address ?? product.workspaceId, quick ? 30 : 200);
        rows.of(system)('keystroke echo in Chromium', 'ms', ...(await within(120, `${system} in Chromium`, work)));
        await session?.end();
      }
    }
  } finally {
    await browser.close();
  }
}

const echoes = (page: Page, system: string, address: string, count: number): Promise<number[]> =>
  page.evaluate(`echoes(${JSON.stringify(system)}, ${JSON.stringify(address)}, ${count})`);

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2023',
    minify: true,
  });
  // The text of the script must not end its element.
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}
