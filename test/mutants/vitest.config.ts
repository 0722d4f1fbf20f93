// Only the tests of one room run under StrykerJS: ROOM names it, or TESTS some of them, such as `engine/step*,engine/vault*`.

import { defineConfig } from 'vitest/config'

const { ROOM = 'engine', TESTS = `${ROOM}/**/*` } = process.env

export default defineConfig({
  test: {
    include: TESTS.split(',').map((test) => `test/${test}.test.ts`),
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
