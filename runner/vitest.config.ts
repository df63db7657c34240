import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'runner',
    environment: 'node',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['./test/build-programs.ts'],
    testTimeout: 40_000,
  },
});
