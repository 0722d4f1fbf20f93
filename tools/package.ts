// `npm pack` publishes what this script makes in dist/: JavaScript of src/ and cli/ with types, the kernels, and the page.
// Node strips no types under node_modules, so all of it is compiled, one file of one file: wrangler leaves out what a Worker
// does not import.

import { copyFileSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import ts from 'typescript'
import { buildKernels } from './build.ts'
import { placeReference } from './openapi/write.ts'
import { placePage } from './page.ts'
import { ROOT } from './root.ts'

const DIST = `${ROOT}dist`

/** The library, of which types are published too. */
const LIBRARY = 'src/islet.ts'

/** Relative imports in declarations name sources, `./a.ts`, and are to name what came of them. */
const SOURCE_IMPORT = /(from |import\()(["'])(\.[^"']*)\.ts\2/g
const JS_IMPORT = /(from |import\()(["'])(\.[^"']*)\.js\2/g

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2024.d.ts', 'lib.esnext.array.d.ts'],
  types: ['@cloudflare/workers-types', 'node'],
  strict: true,
  skipLibCheck: true,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
  declaration: true,
  rootDir: ROOT,
  outDir: DIST,
}

/** Makes dist/ anew. Throws where the sources do not compile. */
export function buildPackage(): void {
  buildKernels()
  rmSync(DIST, { recursive: true, force: true })
  const commands = globSync('cli/*.ts', { cwd: ROOT })
  const program = ts.createProgram(
    [LIBRARY, ...commands].map((file) => `${ROOT}${file}`),
    OPTIONS,
  )
  const types = new Map<string, string>()
  const { diagnostics } = program.emit(undefined, (path, text) => {
    if (path.endsWith('.js')) write(path, compact(text))
    else types.set(path, text.replace(SOURCE_IMPORT, '$1$2$3.js$2'))
  })
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, HOST))
  for (const path of neededTypes(types)) write(path, types.get(path) ?? '')
  for (const name of ['quads', 'relaxed', 'plain']) copy(`build/islet.${name}.wasm`)
  for (const file of globSync('cli/{calibration,vocabularies}/*', { cwd: ROOT })) copy(file)
  placeReference(`${DIST}/site`)
  placePage(`${DIST}/site`)
  // Of src/ a bundle takes what it imports: nothing there has effects when it is evaluated.
  write(`${DIST}/package.json`, JSON.stringify({ type: 'module', sideEffects: ['./islet.js', './cli/**'] }))
  write(`${DIST}/islet.js`, "#!/usr/bin/env node\nimport './cli/main.js'\n")
}

const HOST: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => ROOT,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
}

/** Without comments, which are half of it. */
function compact(script: string): string {
  return transformSync(script, { format: 'esm', target: 'es2024', charset: 'utf8' }).code
}

/** The declarations of the library, and those that they import. */
function neededTypes(types: ReadonlyMap<string, string>): Set<string> {
  const needed = new Set([`${DIST}/${LIBRARY.replace(/\.ts$/, '.d.ts')}`])
  for (const path of needed) {
    for (const [, , , name] of (types.get(path) ?? '').matchAll(JS_IMPORT))
      needed.add(join(dirname(path), `${name}.d.ts`))
  }
  return needed
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function copy(file: string): void {
  const to = `${DIST}/${file}`
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(`${ROOT}${file}`, to)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildPackage()
