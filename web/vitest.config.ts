import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  plugins: [svelte({ configFile: false }), svelteTesting()],
  resolve: {
    conditions: ['browser'],
    // The router is SvelteKit's own; what pages ask of it is recorded instead.
    alias: { '$app/navigation': here('test/router.ts'), '$app/state': here('test/router.ts') },
  },
  test: {
    name: 'web',
    environment: 'jsdom',
    // A page of its own for each file costs more than what is tested on it; what files change, they put back.
    isolate: false,
    testTimeout: 30_000,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: [here('test/setup.ts')],
  },
});
