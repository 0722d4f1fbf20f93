// Only the tests of one room run under StrykerJS: ROOM names it.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [`test/${process.env['ROOM']}/**/*.test.ts`],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
