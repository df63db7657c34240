import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import subset from 'subset-font';
import type { Plugin } from 'vite';

/** Weights that the tokens use: 430 to 620. */
const WEIGHTS = { min: 400, max: 650 };
/** Features that the styles ask for or that letters need; code has no ligatures (`base.css`). */
const LETTERS = ['ccmp', 'locl', 'mark', 'mkmk'];
const FONTS = { inter: [...LETTERS, 'kern', 'tnum', 'cv05', 'cv08', 'ss03'], 'jetbrains-mono': LETTERS };

type Font = keyof typeof FONTS;

/** What every page shows; the same ranges as in `fonts.css`. */
const BASIC = charactersIn('U+20-7E,U+A0,U+B7,U+D7,U+200B,U+2013-2014,U+2018-2019,U+201C-201D,U+2026,U+203A');

const { resolve } = createRequire(import.meta.url);

/**
 * The fonts that every page loads, without the weights, features and glyphs that nothing shows: a third of their size for what all
 * pages begin with, half for the other letters of Latin.
 * @param web the folder of the web app
 */
export function leanFonts(web: string): Plugin {
  return {
    name: 'gatehouse:lean-fonts',
    apply: 'build',
    config: () => ({ css: { postcss: { plugins: [withoutBasic] } } }),
    async buildStart() {
      const folder = join(web, '.svelte-kit/fonts');
      await mkdir(folder, { recursive: true });
      for (const font of Object.keys(FONTS) as Font[]) {
        const whole = await readFile(resolve(`@fontsource-variable/${font}/files/${font}-latin-wght-normal.woff2`));
        await writeFile(join(folder, `${font}-basic.woff2`), await cut(font, whole, BASIC));
      }
    },
    async generateBundle(_options, bundle) {
      for (const asset of Object.values(bundle)) {
        const [, font] = /([a-z-]+)-latin-wght-normal.*\.woff2$/.exec(asset.fileName) ?? [];
        if (asset.type !== 'asset' || (font !== 'inter' && font !== 'jetbrains-mono')) continue;
        asset.source = await cut(
          font,
          Buffer.from(asset.source),
          (await charactersOf(font)).filter((character) => !BASIC.includes(character)),
        );
      }
    },
  };
}

const cut = (font: Font, source: Buffer, characters: string[]): Promise<Buffer> =>
  subset(source, characters.join(''), {
    targetFormat: 'woff2',
    keepFeatures: FONTS[font],
    noHinting: true,
    variationAxes: { wght: WEIGHTS },
  });

/** Those that the package's own style sheet says are in the file. */
async function charactersOf(font: Font): Promise<string[]> {
  const ranges = JSON.parse(await readFile(resolve(`@fontsource-variable/${font}/unicode.json`), 'utf8')) as { latin: string };
  return charactersIn(ranges.latin);
}

/** @param ranges as a style sheet says them */
function charactersIn(ranges: string): string[] {
  return ranges.split(',').flatMap((range) => {
    const [from = 0, to = from] = range
      .replace('U+', '')
      .split('-')
      .map((hex) => parseInt(hex, 16));
    return Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index));
  });
}

/** A rule of a style sheet, as PostCSS hands it over. */
interface FontFace {
  walkDecls(property: string, visit: (declaration: { value: string }) => void): void;
}

/** Takes what `fonts.css` has of its own out of the packages' style sheets: asked for a letter, a browser loads every file that may have it. */
const withoutBasic = {
  postcssPlugin: 'gatehouse:without-basic',
  AtRule: {
    'font-face': (rule: FontFace) => {
      let cut = false;
      rule.walkDecls('src', ({ value }) => void (cut = value.includes('-latin-wght-normal')));
      if (!cut) return;
      rule.walkDecls('unicode-range', (declaration) => {
        declaration.value = rangesOf(charactersIn(declaration.value).filter((character) => !BASIC.includes(character)));
      });
    },
  },
};

/** As a style sheet says them. @param characters in order */
function rangesOf(characters: readonly string[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const character of characters) {
    const code = character.codePointAt(0) ?? 0;
    const last = ranges.at(-1);
    if (last?.to === code - 1) last.to = code;
    else ranges.push({ from: code, to: code });
  }
  return ranges.map(({ from, to }) => `U+${from.toString(16)}-${to.toString(16)}`).join(',');
}
