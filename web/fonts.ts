import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import subset from 'subset-font';
import type { Plugin } from 'vite';

/** Weights that the tokens use: 430 to 620. */
const WEIGHTS = { min: 400, max: 650 };
/** Features that the styles ask for or that letters need; code has no ligatures (`base.css`). */
const LETTERS = ['ccmp', 'locl', 'mark', 'mkmk'];
const FONTS = { inter: [...LETTERS, 'kern', 'calt', 'tnum', 'cv05', 'cv08', 'ss03'], 'jetbrains-mono': LETTERS };

const { resolve } = createRequire(import.meta.url);

/** The fonts that every page loads, without the weights, features and glyphs that nothing shows: half their size. */
export function leanFonts(): Plugin {
  return {
    name: 'gatehouse:lean-fonts',
    apply: 'build',
    async generateBundle(_options, bundle) {
      for (const asset of Object.values(bundle)) {
        const [, font] = /([a-z-]+)-latin-wght-normal.*\.woff2$/.exec(asset.fileName) ?? [];
        if (asset.type !== 'asset' || (font !== 'inter' && font !== 'jetbrains-mono')) continue;
        asset.source = await subset(Buffer.from(asset.source), await charactersOf(font), {
          targetFormat: 'woff2',
          keepFeatures: FONTS[font],
          noHinting: true,
          variationAxes: { wght: WEIGHTS },
        });
      }
    },
  };
}

/** Those that the package's own style sheet says are in the file. */
async function charactersOf(font: keyof typeof FONTS): Promise<string> {
  const ranges = JSON.parse(await readFile(resolve(`@fontsource-variable/${font}/unicode.json`), 'utf8')) as { latin: string };
  return ranges.latin
    .split(',')
    .flatMap((range) => {
      const [from = 0, to = from] = range
        .replace('U+', '')
        .split('-')
        .map((hex) => parseInt(hex, 16));
      return Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index));
    })
    .join('');
}
