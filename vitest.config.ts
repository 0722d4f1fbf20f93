// Tests run in Node; those that need workerd start it themselves (test/workers).

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'bench/test/**/*.test.ts'],
    reporters: ['default', './tools/count-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more workers than that only take memory.
    maxWorkers: 2,
  },
})
