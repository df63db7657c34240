import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Nobody asks for errors in fifty languages, and each helper would hold them in memory. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  setup: ({ onLoad }) => onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({ contents: 'export {}' })),
};

/** What ws would use if it were there: it does without. */
const OPTIONAL = ['bufferutil', 'utf-8-validate'];

/** Some packages ask for Node's modules by require. */
const REQUIRE = { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" };

const options: BuildOptions = {
  outdir: here('dist'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  external: ['@lydell/node-pty', 'prom-client', 'tar-stream', 'ws'],
  plugins: [withoutLocales],
  logLevel: 'warning',
};

/**
 * Four programs: the runner, the thread in which it draws terminals, the helper that it puts into each sandbox, and the
 * language servers beside it.
 * The helper stands alone, because a sandbox sees neither this repository nor its packages; it is small, because there
 * are many.
 */
await build({
  ...options,
  entryPoints: { 'gatehouse-runner': here('src/main.ts'), 'gatehouse-screens': here('src/terminals/screens/main.ts') },
});
await build({
  ...options,
  entryPoints: { 'gatehouse-helper': here('src/helper/main.ts') },
  external: ['@lydell/node-pty', ...OPTIONAL],
  banner: REQUIRE,
  minifySyntax: true,
  minifyWhitespace: true,
});
/** What edits of HTML, CSS and JSON are served by in a sandbox; its packages are written for other loaders, too. */
await build({
  ...options,
  entryPoints: { server: here('src/languages/server.ts') },
  outdir: here('dist/languages'),
  outExtension: { '.js': '.mjs' },
  external: [],
  mainFields: ['module', 'main'],
  banner: REQUIRE,
  minify: true,
});
chmodSync(here('dist/gatehouse-runner.js'), 0o755);
