import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Three programs: the runner, the thread in which it draws terminals, and the helper that it puts into each sandbox.
 * The helper stands alone, because a sandbox sees neither this repository nor its packages.
 */
await build({
  entryPoints: {
    'gatehouse-runner': here('src/main.ts'),
    'gatehouse-screens': here('src/terminals/screens/main.ts'),
    'gatehouse-helper': here('src/helper/main.ts'),
  },
  outdir: here('dist'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  external: ['@lydell/node-pty'],
  logLevel: 'warning',
});
chmodSync(here('dist/gatehouse-runner.js'), 0o755);
