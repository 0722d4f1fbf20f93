// This module builds the page that browsers get at `/`: its files go among the static assets, named by their content.

import { buildSync, type BuildOptions, type BuildResult } from 'esbuild'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { minify_sync, type MinifyOptions } from 'terser'
import { ROOT } from './root.ts'

/** Files of the built page by the names that they have in the folder `play` of a site. */
export type PageFiles = Map<string, Uint8Array>

const SHARED: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
  legalComments: 'none',
  logLevel: 'error',
}

/** What the two libraries call the parts of their objects, which no other script sees. */
const LIBRARIES =
  'val _dom _oldVal _bindings _listeners _getters _setters pending add_text add_token end_token set_attr hr_char hr_chars fence_start fence_end blockquote_idx indent_len table_state'

/** Names in camelCase that others read: files of conversations, the AI SDK, JSON Schema, Trusted Types. */
const READ_ELSEWHERE =
  'createdAt usedAt perSecond firstMs baseURL apiKey includeUsage supportsStructuredOutputs topP maxOutputTokens providerOptions minItems maxItems createScriptURL'

/** Behind esbuild's own minifier, for 2 kB less. */
const TERSER: MinifyOptions = {
  module: true,
  toplevel: true,
  ecma: 2020,
  // What gzip likes best was measured. Not `pure_getters`: reading a state subscribes to it.
  compress: { passes: 2, unsafe_arrows: true, lhs_constants: false, inline: 1 },
}

/**
 * Names of properties that are the script's own become short: those in camelCase, for an API's have underscores. Terser leaves
 * alone what it knows of browsers.
 */
const SHORT_NAMES: MinifyOptions['mangle'] = {
  properties: {
    regex: new RegExp(`^([a-z]+[A-Z]\\w*|${LIBRARIES.replaceAll(' ', '|')})$`),
    reserved: READ_ELSEWHERE.split(' '),
  },
}

export const ORDER = `${ROOT}tools/page-order.json`

const LICENCES = '/*! VanJS, streaming-markdown: MIT */'

/** What the page is made of. */
export type BuiltPage = {
  files: PageFiles
  /** Bytes of the script and styles, as esbuild minified them, by the file that they come from, from the root. */
  parts: Map<string, number>
  /** Names of properties that the script has in short. */
  shortened: string[]
}

/**
 * Builds the page. Its script and styles have a hash in their names, so that a browser may keep them for ever; the index, which
 * names them, and the service worker have none. Takes some 2 s.
 */
export function buildPage(): BuiltPage {
  const { outputFiles = [], metafile } = bundlePage(readOrder())
  const nameCache: { props?: { props: Record<string, string> } } = {}
  const files: PageFiles = new Map(
    outputFiles.map(({ path, text }) => {
      const contents = path.endsWith('.js') ? smallerPage(text, { nameCache }) : text
      const hash = createHash('sha256').update(contents).digest('hex').slice(0, 8).toUpperCase()
      return [`page-${hash}${extname(path)}`, new TextEncoder().encode(contents)]
    }),
  )
  const named = [...files.keys()]
  const worker = buildSync({
    ...SHARED,
    entryPoints: ['page/offline/worker.ts'],
    format: 'iife',
    define: { FILES: JSON.stringify(named.map((name) => `/play/${name}`)) },
  })
  files.set('sw.js', new TextEncoder().encode(smaller(worker.outputFiles?.[0].text ?? '')))
  files.set('index.page', new TextEncoder().encode(indexOf(named)))
  const outputs = Object.values(metafile?.outputs ?? {})
  const inputs = outputs.flatMap((output) => Object.entries(output.inputs)).filter(([path]) => path !== ENTRY)
  return {
    files,
    parts: new Map(inputs.map(([path, { bytesInOutput }]) => [path, bytesInOutput])),
    shortened: Object.keys(nameCache.props?.props ?? {}).map((name) => name.slice(1)),
  }
}

/** The name of what imports the modules, which is no file. */
const ENTRY = '<stdin>'

/** Bundles script and styles, with some modules in front of all others. */
export function bundlePage(order: readonly string[], more: BuildOptions = {}): BuildResult {
  return buildSync({
    ...SHARED,
    stdin: {
      contents: [...order, 'page/main.ts'].map((file) => `import './${file}'`).join('\n'),
      resolveDir: ROOT,
    },
    entryNames: 'page',
    outdir: 'build/page',
    tsconfigRaw: {},
    banner: { js: LICENCES },
    metafile: true,
    pure: ['console.assert'], // those of the markdown parser
    ...more,
  })
}

/** Modules of the page in the order in which tools/page-order.ts found that gzip repeats most. */
export function readOrder(): string[] {
  return JSON.parse(readFileSync(ORDER, 'utf8')) as string[]
}

/** The page's script as it is sent, of what esbuild made. */
export function smallerPage(script: string, more: MinifyOptions = {}): string {
  return smaller(script, { mangle: SHORT_NAMES, ...more })
}

function smaller(script: string, more: MinifyOptions = {}): string {
  return minify_sync(script, { ...TERSER, ...more }).code ?? ''
}

/** The HTML with the names of the built files, without the space that only readers need. */
function indexOf(names: readonly string[]): string {
  let html = readFileSync(`${ROOT}page/index.html`, 'utf8')
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll(' />', '>')
    .replaceAll('> <', '><')
  for (const name of names) {
    const plain = name.replace(/-[A-Z0-9]+\./, '.')
    if (!html.includes(`/play/${plain}"`)) throw new Error(`page/index.html does not name /play/${plain}`)
    html = html.replace(`/play/${plain}"`, `/play/${name}"`)
  }
  return html
}

/** Writes the page into the folder `play` of a site, alone. The worker gives out these files by name, and no other. */
export function placePage(site: string): void {
  const folder = `${site}/play`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, contents] of buildPage().files) writeFileSync(`${folder}/${name}`, contents)
}
