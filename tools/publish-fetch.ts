// This script makes published/fetch.js and its types of src/fetch/fetch.ts: packages of Node run no TypeScript.
// test/fetch/published.test.ts fails where they are out of date.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import ts from 'typescript'
import { ROOT } from './root.ts'

const SOURCE = `${ROOT}src/fetch/fetch.ts`
const HEAD = '// src/fetch/fetch.ts, made by tools/publish-fetch.ts\n'

/** The published files, by their names in `published/`. */
export function publishedFetch(): Map<string, string> {
  const source = readFileSync(SOURCE, 'utf8')
  const { code } = transformSync(source, { loader: 'ts', format: 'esm', minify: true, target: 'es2022' })
  const { outputText } = ts.transpileDeclaration(source, { compilerOptions: { strict: true } })
  return new Map([
    ['fetch.js', HEAD + code],
    ['fetch.d.ts', HEAD + outputText],
  ])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of publishedFetch()) writeFileSync(`${ROOT}published/${name}`, text)
}
