// No source file has more than 400 lines (in src/ and page/ 320), and each starts with a comment that says what it is for.

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MAX_LINES = 400
/** A file of the product has one duty: 320 lines hold it. */
const MAX_LINES_OF_SRC = 320
const SOURCES =
  '{src,page,cli,assembly,test,tools,bench,soak,clients,examples,report,scripts}/**/*.{ts,tsx,mjs,js,py}'
const NOT_OURS = ['node_modules', '.wrangler', 'fixtures', 'build', '__pycache__']

function checkSize(): string[] {
  const files = globSync([SOURCES, '*.{ts,mjs,js}'], {
    cwd: ROOT,
    exclude: (path) =>
      path.endsWith('env.d.ts') || NOT_OURS.some((name) => path.split(/[\\/]/).includes(name)),
  })
  return files.sort().flatMap((file) => {
    const text = readFileSync(`${ROOT}${file}`, 'utf8')
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    const first = text.replace(/^#!.*\n/, '')
    const commented = file.endsWith('.py') ? /^(#|"""|''')/.test(first) : /^\/[/*]/.test(first)
    const most = /^(src|page)\//.test(file) ? MAX_LINES_OF_SRC : MAX_LINES
    return [
      ...(lines > most ? [`${file} has ${lines} lines: the limit is ${most}, split it`] : []),
      ...(commented ? [] : [`${file} does not start with a comment that says what it is for`]),
    ]
  })
}

const problems = checkSize()
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
