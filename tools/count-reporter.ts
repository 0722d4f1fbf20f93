// The reporter ends a test run with one line that counts: `N passed, N failed, N skipped`.

import type { Reporter, TestModule } from 'vitest/node'

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++
      // A file that does not load has no tests, and is a failure all the same.
      if (module.errors().length > 0) count.failed++
    }
    const failed = count.failed + count.pending
    process.stdout.write(`${count.passed} passed, ${failed} failed, ${count.skipped} skipped\n`)
  }
}
