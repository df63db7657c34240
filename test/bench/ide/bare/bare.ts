import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { BrowserContext } from 'playwright-core';

const ORIGIN = 'http://bare.test';
const { resolve } = createRequire(import.meta.url);

const PAGE = `<!doctype html><title>Bare</title>
<style>
@font-face { font-family: Code; src: url(/font) }
body { margin: 0 }
textarea { font: 13px/20px Code; width: 100vw; height: 100vh; box-sizing: border-box }
</style>`;

/** Addresses of pages with nothing around what is typed in. */
export interface Bare {
  /** CodeMirror as it comes, with a file in it */
  editor(file: string): string;
  /** what a key costs where nothing follows from it: the browser and its clock */
  field: string;
}

/** Answers, without a server, for pages in which the same browser shows the same text in the same font. */
export async function serveBare(context: BrowserContext, files: Record<string, string>): Promise<Bare> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  const html = (body: string) => ({ contentType: 'text/html', body: `${PAGE}${body}` });
  const answers: Record<string, (query: URLSearchParams) => { contentType: string; body: string | Buffer }> = {
    '/field': () => html('<textarea aria-label="Field"></textarea>'),
    '/editor': () => html('<script type="module" src="/script"></script>'),
    '/script': () => ({ contentType: 'text/javascript', body: outputFiles[0]?.text ?? '' }),
    '/text': (query) => ({ contentType: 'text/plain', body: files[query.get('file') ?? ''] ?? '' }),
  };
  const font = await readFile(resolve('@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2'));
  answers['/font'] = () => ({ contentType: 'font/woff2', body: font });
  await context.route(`${ORIGIN}/**`, async (route) => {
    const { pathname, searchParams } = new URL(route.request().url());
    await route.fulfill(answers[pathname]?.(searchParams) ?? { status: 404 });
  });
  return { editor: (file) => `${ORIGIN}/editor?${new URLSearchParams({ file })}`, field: `${ORIGIN}/field` };
}
