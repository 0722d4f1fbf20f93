// `npm run docs`: writes every figure of the documents below, between `<!-- generated:NAME -->` and `<!-- /generated -->`,
// and the charts of docs/charts, from committed files alone. `-- --check` writes nothing and fails where something is out
// of date.

import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BUDGET, memoryTable } from '../cli/lib/memory-table.ts'
import { DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { PAGE_POSITIONS } from '../src/kernels/layout.ts'
import type { Manifest } from '../src/weights/manifest.ts'
import { fileMap } from './file-map.ts'
import { benchBlocks, benchCharts } from './lib/bench-tables.ts'
import { bindingBlocks } from './lib/binding-tables.ts'
import { chainCostBlocks } from './lib/chain-cost-table.ts'
import { choicesBlock } from './lib/choices-table.ts'
import { RESULTS_FILE } from '../clients/result.ts'
import { clientBlocks } from './lib/client-tables.ts'
import { contextBlocks, contextCharts } from './lib/context-tables.ts'
import { decisionBlocks, decisionCharts } from './lib/decision-tables.ts'
import { DIALECT_PAGES, dialectBlocks } from './lib/dialect-pages.ts'
import { dialogueBlocks } from './lib/dialogue-tables.ts'
import { embeddingBlocks } from './lib/embedding-tables.ts'
import { fairBlocks } from './lib/fair-tables.ts'
import { fuzzBlocks } from './lib/fuzz-tables.ts'
import { grammarBlocks } from './lib/grammar-tables.ts'
import { familyBlocks } from './lib/family-tables.ts'
import { table } from '../tools/markdown.ts'
import { factsOf, type ModelFacts } from './lib/model-facts.ts'
import { pageBlocks } from './lib/page-tables.ts'
import { quantBlocks } from './lib/quant-tables.ts'
import { ROOT } from '../tools/root.ts'
import { peerBlocks } from './lib/peer-table.ts'
import { routeBlocks } from './lib/route-tables.ts'
import { samplingBlocks } from './lib/sampling-tables.ts'
import { samplingSpeedBlock } from './lib/sampling-speed-table.ts'
import { chainBlock } from './lib/chain-table.ts'
import { severalBlock } from './lib/several-table.ts'
import { shapeBlocks } from './lib/shapes-table.ts'
import { templateBlocks } from './lib/template-tables.ts'
import { trimmedBlocks } from './lib/trimmed-tables.ts'
import { vocabularyBlocks } from './lib/vocabulary-tables.ts'
import { soakBlocks } from '../soak/tables.ts'

const FACTS = `${ROOT}docs/models/${DEFAULT_MODEL}.json`
const DOCUMENTS = [
  'README.md',
  'docs/api.md',
  'docs/chain.md',
  'docs/chat.md',
  'docs/clients.md',
  'docs/context.md',
  'docs/cookbook.md',
  'docs/decisions.md',
  ...Object.keys(DIALECT_PAGES).map((page) => `docs/dialects/${page}.md`),
  'docs/dialogue.md',
  'docs/embeddings.md',
  'docs/families.md',
  'docs/file-map.md',
  'docs/inside-workers.md',
  'docs/memory.md',
  'docs/models.md',
  'docs/operating.md',
  'docs/packing.md',
  'docs/page.md',
  'docs/performance.md',
  'docs/quantising.md',
  'docs/sampling.md',
  'docs/sessions.md',
  'docs/soak.md',
  'docs/structured.md',
]
const CHARTS = 'docs/charts'
const RESULTS = `${ROOT}bench/results`
const CONTEXT_RESULTS = `${ROOT}docs/results/context-extension.json`

/** Windows that the table of performance.md shows. */
const WINDOWS = [256, 512, 768, 1024, 1536, 2048]

/** The facts that a packed model has now, or undefined where it is not packed. */
export function packedFacts(): string | undefined {
  const manifest = `${ROOT}models/${DEFAULT_MODEL}/manifest.json`
  if (!existsSync(manifest)) return undefined
  return `${JSON.stringify(factsOf(JSON.parse(readFileSync(manifest, 'utf8')) as Manifest), undefined, 2)}\n`
}

/** The facts as they are committed. */
export function committedFacts(): string {
  return readFileSync(FACTS, 'utf8')
}

/** Each document's path from the root and the text that it should have. */
export function documents(): { path: string; text: string; wanted: string }[] {
  const facts = JSON.parse(committedFacts()) as ModelFacts
  const blocks = new Map([
    ['memory', memoryBlock(facts)],
    ['windows', windowsBlock(facts)],
    ['tensors', tensorsBlock(facts)],
    ['file-map', fileMap()],
    ...benchBlocks(RESULTS),
    ...peerBlocks(RESULTS),
    ...quantBlocks(`${ROOT}docs/results/quantising.json`),
    ...familyBlocks(`${ROOT}docs/results/families.json`, {
      window: variable('WINDOW'),
      sinks: variable('SINKS'),
      chunk: variable('CHUNK'),
    }),
    ...chainCostBlocks(),
    ...shapeBlocks(),
    ...bindingBlocks(`${ROOT}docs/results/binding.json`),
    ...decisionBlocks(),
    ...dialectBlocks(),
    ...dialogueBlocks(),
    ...embeddingBlocks(),
    ...contextBlocks(CONTEXT_RESULTS),
    ...routeBlocks(),
    ...fairBlocks(`${ROOT}docs/results/fair.json`),
    ...fuzzBlocks(`${ROOT}docs/results/fuzz.json`),
    ...clientBlocks(RESULTS_FILE),
    ...grammarBlocks(`${ROOT}docs/results/grammar-corpus.json`, `${ROOT}docs/results/grammar-speed.json`),
    ...pageBlocks(`${ROOT}docs/results/page.json`),
    ...samplingBlocks(),
    ['choices', choicesBlock(`${ROOT}docs/results/choices.json`)],
    ...vocabularyBlocks(),
    ...trimmedBlocks(),
    severalBlock(),
    chainBlock(),
    ...soakBlocks(`${ROOT}docs/results/soak.json`),
    samplingSpeedBlock(`${ROOT}docs/results/sampling-speed.json`),
    ...templateBlocks(`${ROOT}docs/results/templates.json`, `${ROOT}docs/results/template-speed.json`),
  ])
  return DOCUMENTS.map((path) => {
    const text = readFileSync(`${ROOT}${path}`, 'utf8')
    return { path, text, wanted: fill(path, text, blocks) }
  })
}

/** Each chart's path from the root, its text if it is there, and the text that it should have if there should be one. */
export function charts(): { path: string; text: string | undefined; wanted: string | undefined }[] {
  const drawn = [...benchCharts(RESULTS), ...contextCharts(CONTEXT_RESULTS), ...decisionCharts()]
  const wanted = new Map(drawn.map(([path, svg]) => [`docs/${path}`, svg]))
  const there = globSync(`${CHARTS}/*.svg`, { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
  return [...new Set([...wanted.keys(), ...there])].sort().map((path) => ({
    path,
    text: there.includes(path) ? readFileSync(`${ROOT}${path}`, 'utf8') : undefined,
    wanted: wanted.get(path),
  }))
}

function fill(path: string, text: string, blocks: ReadonlyMap<string, string>): string {
  return text.replace(
    /(<!-- generated:([a-z0-9-]+) -->\n)[^]*?(<!-- \/generated -->)/g,
    (_, open: string, name: string, close: string) => {
      const block = blocks.get(name)
      if (block === undefined)
        throw new Error(`${path} asks for ${name}; there are: ${[...blocks.keys()].join(', ')}`)
      return `${open}${block.trimEnd()}\n${close}`
    },
  )
}

/** A variable of wrangler.toml, as a number. */
function variable(name: string): number {
  const text = readFileSync(`${ROOT}wrangler.toml`, 'utf8')
  const value = new RegExp(`^${name} *= *"(\\d+)"`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`wrangler.toml has no variable ${name} that is a number`)
  return Number(value)
}

function settings(facts: ModelFacts, window: number): Parameters<typeof memoryTable>[1] {
  const { weightBytes, tokenizerBytes } = facts
  return {
    window: { window, sinks: variable('SINKS') },
    chunk: variable('CHUNK'),
    weightBytes,
    tokenizerBytes,
  }
}

function memoryBlock(facts: ModelFacts): string {
  const window = variable('WINDOW')
  const { rows, total } = memoryTable(facts.spec, settings(facts, window))
  const verdict = `${megabytes(BUDGET - total)} MB below the limit of ${megabytes(BUDGET)}`
  return [
    `What \`islet inspect ${facts.id}\` plans for a window of ${window} (MB = 10^6 bytes):`,
    '',
    table(
      ['part', 'MB'],
      [
        ...rows.map(({ part, bytes }) => [part, megabytes(bytes)]),
        ['**the isolate**', `**${megabytes(total)}**`],
      ],
    ),
    '',
    total <= BUDGET ? `That is ${verdict}.` : `That is above the limit of ${megabytes(BUDGET)} MB.`,
  ].join('\n')
}

function windowsBlock(facts: ModelFacts): string {
  const rows = WINDOWS.map((window) => {
    const { rows: parts, total } = memoryTable(facts.spec, settings(facts, window))
    const pool = parts.find(({ part }) => part.startsWith('KV pool'))?.bytes ?? 0
    return [String(window), megabytes(pool), megabytes(total), total <= BUDGET ? 'yes' : 'no']
  })
  const perPosition = (2 * facts.spec.headDim + 8) * facts.spec.kvHeads * facts.spec.layers
  return [
    table(['WINDOW', 'KV pool, MB', 'the isolate, MB', `within ${megabytes(BUDGET)} MB`], rows),
    '',
    `One position takes ${perPosition} bytes of KV cache, in pages of ${PAGE_POSITIONS} positions.`,
  ].join('\n')
}

function tensorsBlock(facts: ModelFacts): string {
  const rows = facts.kinds.map(({ kind, tensors, weights, bytes }) => [
    kind,
    String(tensors),
    String(weights),
    megabytes(bytes),
    ((bytes * 8) / weights).toFixed(2),
  ])
  return table(['kind', 'tensors', 'weights', 'MB', 'bits a weight'], rows)
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

function main(): number {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
  const facts = values.check ? undefined : packedFacts()
  if (facts !== undefined) writeFileSync(FACTS, facts)
  const all = [...documents(), ...charts()]
  const stale = all.filter(({ text, wanted }) => text !== wanted)
  if (values.check) {
    for (const { path } of stale) process.stderr.write(`islet: ${path} is out of date: run npm run docs\n`)
    return stale.length > 0 ? 1 : 0
  }
  mkdirSync(`${ROOT}${CHARTS}`, { recursive: true })
  for (const { path, wanted } of stale) {
    if (wanted === undefined) rmSync(`${ROOT}${path}`)
    else writeFileSync(`${ROOT}${path}`, wanted)
  }
  process.stdout.write(`${stale.length} of ${all.length} files changed\n`)
  return 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main()
