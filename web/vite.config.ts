import { fileURLToPath } from 'node:url';
import { sveltekit } from '@sveltejs/kit/vite';
import adapter from '@sveltejs/adapter-static';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';
import { plainAnnouncer } from './announcer.ts';
import { fewFiles } from './chunks.ts';
import { leanFonts } from './fonts.ts';
import { withIdePage } from './ide-page.ts';
import { leanKit } from './kit.ts';
import { leanXterm } from './lean-xterm.ts';
import { withNonce } from './nonce.ts';
import { pureCore } from './pure-core.ts';
import { leanZod } from './zod.ts';

const web = fileURLToPath(new URL('.', import.meta.url));
const index = fileURLToPath(new URL('build/index.html', import.meta.url));

export default defineConfig({
  // A data: address would be refused by the content policy (`font-src 'self'`).
  build: {
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: { groups: fewFiles(web) },
      },
    },
  },
  plugins: [
    plainAnnouncer(),
    leanFonts(web),
    leanZod(),
    leanKit(),
    leanXterm(),
    pureCore(fileURLToPath(new URL('../core', import.meta.url))),
    tailwindcss(),
    sveltekit({ adapter: withIdePage(withNonce(adapter({ fallback: 'index.html' }), index), web), serviceWorker: { register: false } }),
  ],
});
