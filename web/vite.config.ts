import { fileURLToPath } from 'node:url';
import { sveltekit } from '@sveltejs/kit/vite';
import adapter from '@sveltejs/adapter-static';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';
import { plainAnnouncer } from './announcer.ts';
import { leanFonts } from './fonts.ts';
import { withNonce } from './nonce.ts';

const index = fileURLToPath(new URL('build/index.html', import.meta.url));

export default defineConfig({
  // A data: address would be refused by the content policy (`font-src 'self'`).
  build: {
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // One file for each icon would be dozens of requests for a page.
            { name: 'icons', test: /@lucide[\\/]svelte/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  plugins: [
    plainAnnouncer(),
    leanFonts(),
    tailwindcss(),
    sveltekit({ adapter: withNonce(adapter({ fallback: 'index.html' }), index), serviceWorker: { register: false } }),
  ],
});
