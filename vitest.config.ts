import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// A sanitized addon is slower, which is no reason to give up.
const slowness = Number(process.env['TEST_SLOWNESS'] ?? 1);

export default defineConfig({
  resolve: {
    alias: [
      // The very files that a child process gets when it imports the package by name.
      { find: /^multiproc$/, replacement: fileURLToPath(new URL('./dist/index.js', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/sweep-at-end.ts'],
    pool: 'forks',
    retry: 0,
    // These end hangs, and say nothing of speed: a virtual machine may stand still for most of the time.
    testTimeout: 240_000 * slowness,
    hookTimeout: 240_000 * slowness,
    // Tests of blocking and of death use several processes each; more files at once only make them wait for a core.
    maxWorkers: 2,
    server: { deps: { external: [/\/dist\//] } },
  },
});
