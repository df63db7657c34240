import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Adapter } from '@sveltejs/kit';

type Manifest = Record<string, { file: string; name?: string; imports?: string[]; css?: string[]; assets?: string[] }>;

/** What the IDE's page asks for before any script of it runs. */
const FIRST_ANSWER = '<link rel="preload" as="fetch" href="/api/v1/me" crossorigin="anonymous">';

/**
 * The same adapter, which also writes the page that the Worker serves for workspaces: the same one, but it names at once all that the
 * IDE begins with. Else a browser finds out step by step, and each step is a way to the server and back.
 */
export function withIdePage(inner: Adapter, web: string): Adapter {
  return {
    ...inner,
    async adapt(builder) {
      await inner.adapt(builder);
      const manifest = JSON.parse(await readFile(join(web, '.svelte-kit/output/client/.vite/manifest.json'), 'utf8')) as Manifest;
      const html = await readFile(join(web, 'build/index.html'), 'utf8');
      const links = linksTo(manifest).filter((link) => !html.includes(link));
      const first = html.replace('<meta charset="utf-8" />', (charset) => `${charset}\n${FIRST_ANSWER}`);
      await writeFile(join(web, 'build/ide.html'), first.replace('</head>', `${links.join('\n')}\n</head>`));
    },
  };
}

function linksTo(manifest: Manifest): string[] {
  const named = (name: string) => Object.keys(manifest).find((key) => manifest[key]?.name === name);
  const [ahead, ide, code] = [named('ahead'), named('ide'), named('code')];
  // Kit loads it with every page.
  const error = Object.keys(manifest).find((key) => key.endsWith('/nodes/1.js'));
  const node = Object.keys(manifest).find(
    (key) => ide !== undefined && /nodes\/\d+\.js$/.test(key) && manifest[key]?.imports?.includes(ide),
  );
  if (ahead === undefined || ide === undefined || code === undefined || error === undefined || node === undefined)
    throw new Error('The build made no files for the IDE (chunks.ts)');
  const reached = new Set<string>();
  const reach = (key: string): void => {
    if (reached.has(key)) return;
    reached.add(key);
    manifest[key]?.imports?.forEach(reach);
  };
  // What makes the connection comes before the editor.
  [ahead, node, error, code].forEach(reach);
  const parts = [...reached].flatMap((key) => manifest[key] ?? []);
  const fonts = parts.flatMap(({ assets = [] }) => assets.filter((file) => file.includes('-basic.')));
  return [
    ...parts.map(({ file }) => `<link href="/${file}" rel="modulepreload">`),
    ...parts.flatMap(({ css = [] }) => css.map((file) => `<link href="/${file}" rel="stylesheet">`)),
    ...fonts.map((file) => `<link rel="preload" as="font" type="font/woff2" href="/${file}" crossorigin>`),
  ];
}
