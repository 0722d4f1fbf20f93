// Imports in src/ look only down: a room may use its own files and rooms further down the list, nothing else. There are
// no import cycles, and the worker's bundle never reaches what belongs to the command line alone. Between the folders
// beside src/ arrows go one way too; only test/ may import anything.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** From the top down; rooms of one line do not import each other. Files directly in src/ are the worker's. */
const LEVELS = [
  ['worker'],
  ['binding'],
  ['api', 'routing', 'lane'],
  ['packing'],
  ['chain'],
  ['storage'],
  ['answer'],
  ['chat'],
  ['engine'],
  ['graph'],
  ['sampling', 'cache'],
  ['weights'],
  ['models'],
  ['grammar'],
  ['tokenizer'],
  ['formats', 'kernels'],
  ['protocol'],
  ['lib', 'fetch'],
]

/** Rooms of the router: they know of lanes what stands in the party wall, and the halves meet in the worker alone. */
const ROUTER_ROOMS = ['binding', 'api', 'routing']
const PARTY_WALL = ['protocol', 'lib']
/** What a room of the router may know besides: the binding is another door to the API. */
const ALSO: Readonly<Record<string, string>> = { binding: 'api' }

/** Rooms of the command line, and what is published for clients. */
const NOT_IN_WORKER = ['formats', 'packing', 'fetch']
const ENTRIES = ['src/worker.ts', 'src/router.ts', 'src/chain.ts', 'src/stage.ts']

/** What each folder beside src/ may import besides itself. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  cli: ['src'],
  tools: ['src'],
  bench: ['tools', 'cli', 'src'],
  soak: ['tools', 'cli', 'src'],
  clients: ['bench', 'tools', 'cli', 'src'],
  report: ['bench', 'soak', 'clients', 'tools', 'cli', 'src'],
  scripts: ['tools', 'cli', 'src'],
  page: ['src'],
}

/** What each room of page/ may import: views draw, state holds, the client asks. The rest of src/ belongs to the worker. */
const PAGE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['views', 'state', 'style'],
  views: ['views', 'state', 'client'],
  state: ['state', 'client', 'src/protocol', 'src/lib'],
  client: ['client', 'src/fetch', 'src/protocol', 'src/lib'],
  offline: ['offline'],
}

/** Files that may import test/ all the same, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  'bench/page/run.ts': 'it opens the page as its tests do, by test/page/harness.ts and what lies beside it',
  'bench/page/screenshots.ts': 'it does too',
  'bench/families.ts': 'it runs the cases of the reference data as the tests do, by test/helpers/golden*.ts',
}

type Import = { from: string; to: string }

function roomOf(file: string): string {
  const parts = file.split('/')
  return parts.length > 2 ? parts[1] : 'worker'
}

function levelOf(room: string): number {
  return LEVELS.findIndex((level) => level.includes(room))
}

/** Imports of one file with a relative path: of types, and dynamic ones, too. */
function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest)
  const found: Import[] = []
  const add = (specifier: ts.Expression | undefined): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.'))
      return
    const to = relative(ROOT, resolve(ROOT, dirname(file), specifier.text))
    found.push({ from: file, to })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier)
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0])
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** What is wrong with one import by the order of rooms; undefined if nothing. */
function climbs({ from, to }: Import): string | undefined {
  if (!to.startsWith('src/')) return to.startsWith('build/') ? undefined : 'outside src/'
  const [here, there] = [roomOf(from), roomOf(to)]
  if (here === there) return undefined
  if (ROUTER_ROOMS.includes(here) && !PARTY_WALL.includes(there) && ALSO[here] !== there)
    return `${here}/ knows nothing of ${there}/`
  const [above, below] = [levelOf(here), levelOf(there)]
  if (above === -1 || below === -1) return `${above === -1 ? here : there}/ is not in the list of rooms`
  if (above < below) return undefined
  return above === below ? `${here}/ and ${there}/ lie side by side` : `${there}/ lies above ${here}/`
}

/** What is wrong with one import of a file of page/; undefined if nothing. */
function straysInPage({ from, to }: Import): string | undefined {
  const room = from.split('/')[1]
  const allowed = PAGE_ROOMS[room] ?? []
  const there = to.startsWith('page/') ? to.split('/')[1] : to.split('/').slice(0, 2).join('/')
  return allowed.includes(there) ? undefined : `page/${room} imports ${allowed.join(', ') || 'nothing'} alone`
}

/** What is wrong with one import of a folder beside src/; undefined if nothing. Compiled kernels are anybody's. */
function strays({ from, to }: Import): string | undefined {
  const [here, there] = [from.split('/')[0], to.split('/')[0]]
  if (here === 'page') return straysInPage({ from, to })
  if (here === there || there === 'build' || FOLDERS[here].includes(there)) return undefined
  if (there === 'test' && from in ALLOWED) return undefined
  return `${here}/ imports ${FOLDERS[here].map((folder) => `${folder}/`).join(', ')} alone`
}

type Mark = { index: number; low: number; open: boolean }

/** Groups of files that import each other in a ring (Tarjan's strongly connected components), one line each. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const order = new Map<string, Mark>()
  const stack: string[] = []
  const enter = (file: string): Mark => {
    const mark: Mark = { index: order.size, low: order.size, open: true }
    order.set(file, mark)
    stack.push(file)
    for (const next of graph.get(file) ?? []) {
      const seen = order.get(next)
      if (seen === undefined) mark.low = Math.min(mark.low, enter(next).low)
      else if (seen.open) mark.low = Math.min(mark.low, seen.index)
    }
    if (mark.low === mark.index) {
      const ring = stack.splice(stack.indexOf(file))
      for (const member of ring) (order.get(member) ?? mark).open = false
      if (ring.length > 1 || graph.get(file)?.includes(file) === true) found.push(ring.sort().join(' <-> '))
    }
    return mark
  }
  for (const file of graph.keys()) if (!order.has(file)) enter(file)
  return found
}

/** Each file that `start` loads, with the file it was first reached from. */
function reachedFrom(start: string, graph: ReadonlyMap<string, readonly string[]>): Map<string, string> {
  const via = new Map([[start, '']])
  const queue = [start]
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    for (const next of graph.get(file) ?? []) {
      if (via.has(next)) continue
      via.set(next, file)
      queue.push(next)
    }
  }
  return via
}

function sourcesOf(pattern: string): string[] {
  const exclude = (path: string): boolean => path.split(/[\\/]/).includes('node_modules')
  const files = globSync(pattern, { cwd: ROOT, exclude }).map((file) => file.replaceAll('\\', '/'))
  return files.sort()
}

function checkRooms(): string[] {
  const files = sourcesOf('src/**/*.ts')
  const beside = sourcesOf(`{${Object.keys(FOLDERS).join(',')}}/**/*.{ts,tsx,mjs}`)
  const imports = [...files, ...beside].flatMap(importsOf)
  const problems = imports.flatMap((one) => {
    const problem = one.from.startsWith('src/') ? climbs(one) : strays(one)
    return problem === undefined ? [] : [`${one.from} imports ${one.to}: ${problem}`]
  })
  const graph = new Map([...files, ...beside].map((file) => [file, [] as string[]]))
  for (const { from, to } of imports) graph.get(from)?.push(to)
  problems.push(...cycles(graph).map((ring) => `import cycle: ${ring}`))
  const missing = ENTRIES.find((entry) => !existsSync(join(ROOT, entry)))
  if (missing !== undefined) return [...problems, `${missing} is missing`]
  for (const [file, via] of ENTRIES.flatMap((entry) => [...reachedFrom(entry, graph)])) {
    const room = roomOf(file)
    if (NOT_IN_WORKER.includes(room) && roomOf(via) !== room) {
      problems.push(
        `the worker's bundle reaches ${file} through ${via}: ${room}/ belongs to the command line`,
      )
    }
  }
  return problems
}

const problems = new Set(checkRooms())
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.size > 0) {
  process.stderr.write(
    `check-rooms: ${problems.size} to mend; the order of rooms is in tools/check-rooms.ts\n`,
  )
  process.exitCode = 1
}
