import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { transform } from 'esbuild';
import type { Plugin } from 'vite';

const XTERM = /[\\/]@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs$/;
/** that reach into xterm.js */
const ADDONS = ['fit', 'search', 'unicode11', 'web-links', 'webgl'];
/** what `erase-guard.ts` asks for */
const OWN = ['_core', '_inputHandler'];

const { resolve } = createRequire(import.meta.url);

/** xterm.js with short names for what is private to it. The package has them as they were written, for its addons: what those name is left. */
export function leanXterm(): Plugin {
  return {
    name: 'gatehouse:lean-xterm',
    apply: 'build',
    enforce: 'pre',
    async transform(code, id) {
      if (!XTERM.test(id)) return null;
      const addons = await Promise.all(ADDONS.map((name) => readFile(resolve(`@xterm/addon-${name}/lib/addon-${name}.mjs`), 'utf8')));
      const named = new Set([...OWN, ...addons.flatMap((addon) => addon.match(/\b_\w+/g) ?? [])]);
      const { code: short } = await transform(code, {
        format: 'esm',
        minify: true,
        mangleProps: /^_./,
        reserveProps: new RegExp(`^(?:${[...named].join('|')})$`),
      });
      return { code: short, map: null };
    },
  };
}
