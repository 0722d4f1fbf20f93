// StrykerJS changes each expression of one room in turn and runs that room's tests: docs/mutants.md says how to start it.
// ROOM is the room, STRYKER the folder that the tool is installed in.

import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { ROOM = 'engine', STRYKER = '' } = process.env

/** Leaves the texts of errors alone, which people read. Their codes are changed like the rest. */
const messages = {
  kind: 'Ignore',
  name: 'messages',
  value: {
    shouldIgnore({ node, parent }) {
      if (parent?.type !== 'NewExpression' || !/Error$/.test(parent.callee.name ?? '')) return undefined
      const isText = node.type === 'TemplateLiteral' || node.type === 'StringLiteral'
      const isCode = parent.callee.name === 'IsletError' && parent.arguments[0] === node
      return isText && !isCode ? 'the text of an error' : undefined
    },
  },
}
export const strykerPlugins = [messages]

export default {
  testRunner: 'vitest',
  plugins: [
    join(STRYKER, 'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js'),
    import.meta.filename,
  ],
  ignorers: ['messages'],
  mutate: [`src/${ROOM}/*.ts`],
  vitest: { configFile: 'test/mutants/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  disableTypeChecks: false,
  timeoutMS: 5000,
  timeoutFactor: 2,
  ignorePatterns: ['docs', 'report', 'soak', 'scripts', '.wrangler', '.ci', 'models/*', '!models/tiny'],
  tempDirName: join(tmpdir(), `islet-stryker-${ROOM}`),
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, skipFull: true },
  jsonReporter: { fileName: join(tmpdir(), `islet-stryker-${ROOM}.json`) },
}
