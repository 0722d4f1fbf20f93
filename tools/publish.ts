// This script makes what is published for clients, and its types, of src/: packages of Node run no TypeScript.
// test/fetch/published.test.ts fails where published/ is out of date.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import ts from 'typescript'
import { ROOT } from './root.ts'

/** Each module by its name in package.json, made of one file that imports nothing. */
const SOURCES: Readonly<Record<string, string>> = {
  fetch: 'src/fetch/fetch.ts',
  binding: 'src/binding/client.ts',
}

/** The published files, by their names in `published/`. */
export function publishedFiles(): Map<string, string> {
  const files = Object.entries(SOURCES).flatMap(([name, path]): [string, string][] => {
    const source = readFileSync(`${ROOT}${path}`, 'utf8')
    const head = `// ${path}, made by tools/publish.ts\n`
    const { code } = transformSync(source, { loader: 'ts', format: 'esm', minify: true, target: 'es2022' })
    const { outputText } = ts.transpileDeclaration(source, { compilerOptions: { strict: true } })
    return [
      [`${name}.js`, head + code],
      [`${name}.d.ts`, head + outputText],
    ]
  })
  return new Map(files)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of publishedFiles()) writeFileSync(`${ROOT}published/${name}`, text)
}
