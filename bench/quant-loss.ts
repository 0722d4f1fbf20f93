// `npm run quant-loss`: what quantising costs, into docs/results/quantising.json, for the tables of docs/quantising.md.
// The committed float model is packed in every way and scored on text that it was not trained on; where the default model
// is pulled, its own 8-bit table of embeddings is packed in fewer bits too. One core, some minutes.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { nodeKernels } from '../cli/lib/kernels.ts'
import { localKv } from '../cli/lib/kv.ts'
import { artefactOf, DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { countedIds, type ScoreOptions, scoreText } from '../cli/lib/score.ts'
import { loadModel } from '../src/graph/load-model.ts'
import type { LocalModel } from '../src/graph/model.ts'
import { exp, log } from '../src/lib/math.ts'
import type { CodeKind } from '../src/packing/codes.ts'
import { openSource } from '../src/packing/open-source.ts'
import { packToMemory } from '../src/packing/pack-memory.ts'
import type { PackOptions } from '../src/packing/pack.ts'
import type { SourceTensor } from '../src/packing/source.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import type { Tokenizer } from '../src/tokenizer/tokenizer.ts'
import { weightBytes } from '../src/weights/stream.ts'
import { buildKernels } from '../tools/build.ts'
import { ROOT } from '../tools/root.ts'
import { type ServedLoss, servedLoss } from './lib/served-loss.ts'
import { weightError } from './lib/weight-error.ts'

/** The float model, and text that it has not seen. */
export const FLOAT_MODEL = `${ROOT}test/fixtures/float-model`
const TEXT = `${FLOAT_MODEL}/held-out.txt`
export const RESULTS = `${ROOT}docs/results/quantising.json`

/** Rows of a step; no figure depends on it. */
const CHUNK = 64
/** Tokens of the text that the default model reads: at 135 million weights they take their time. */
const REAL_TOKENS = 3072
const CONTEXT = 512

export type Loss = {
  /** As `islet pack` has them. */
  options: Pick<PackOptions, 'quant' | 'embedding' | 'rounding'>
  /** Of the packed weights. */
  bytes: number
  nats: number
  perplexity: number
  bitsPerByte: number
  /** Mean divergence from the reference and its standard error, nats a position; and so on. */
  kl: number
  klError: number
  sameTop: number
  difference: number
  differenceError: number
}

export type WeightLoss = { kind: CodeKind; rounding: 'search' | 'nearest'; error: number }

export type QuantResults = {
  float: { weights: number; tokens: number; textBytes: number; context: number; losses: Loss[] }
  /** Squared error of the float model's matrices over their squares. */
  weights: WeightLoss[]
  /** Absent until it was measured: the default model's table of embeddings, against its 8 bits kept. */
  table?: { model: string; weights: number; tokens: number; losses: Loss[]; errors: WeightLoss[] }
  /** Absent until it was measured: the default model as it is served. */
  served?: ServedLoss
  /** Seconds that quantising that table takes to `q4m`, on one core; `weights` are the whole model's. */
  speed?: { machine: string; table: number; weights: number; search: number; nearest: number }
}

const FLOAT_WAYS: readonly Loss['options'][] = [
  { quant: 'f32' },
  { quant: 'q8' },
  { quant: 'q4', rounding: 'nearest' },
  { quant: 'q4', rounding: 'search' },
  { quant: 'q4s', rounding: 'nearest' },
  { quant: 'q4s', rounding: 'search' },
]

const TABLE_WAYS: readonly Loss['options'][] = [
  { embedding: 'q6', rounding: 'nearest' },
  { embedding: 'q6', rounding: 'search' },
  { embedding: 'q4', rounding: 'nearest' },
  { embedding: 'q4', rounding: 'search' },
]

/** The float model's part, over the first `limit` tokens of the text: the same on every host. */
export function floatLosses(
  ways: readonly Loss['options'][] = FLOAT_WAYS,
  limit = Infinity,
): Promise<QuantResults['float']> {
  return lossesOf(FLOAT_MODEL, { quant: 'f32' }, ways, limit)
}

async function lossesOf(
  path: string,
  reference: PackOptions,
  ways: readonly Loss['options'][],
  limit: number,
): Promise<QuantResults['float']> {
  const against = await opened(path, reference)
  const ids = against.tokenizer.encode(readFileSync(TEXT, 'utf8')).slice(0, limit)
  const counted = countedIds(ids, CONTEXT)
  const textBytes = counted.reduce((sum, id) => sum + against.tokenizer.tokenBytes(id).length, 0)
  const losses: Loss[] = []
  for (const options of ways) {
    const { model, bytes } = await opened(path, options)
    const settings: ScoreOptions = { context: CONTEXT, bos: undefined, against: against.model }
    losses.push({ options, bytes, ...figures(scoreText(model, ids, settings), textBytes) })
  }
  return { weights: against.weights, tokens: counted.length, textBytes, context: CONTEXT, losses }
}

function figures(score: ReturnType<typeof scoreText>, textBytes: number): Omit<Loss, 'options' | 'bytes'> {
  const { nats, tokens, against } = score
  if (against === undefined) throw new Error('nothing to compare with')
  return {
    nats: nats.mean,
    perplexity: exp(nats.mean),
    bitsPerByte: (nats.mean * tokens) / log(2) / textBytes,
    kl: against.kl.mean,
    klError: against.kl.error,
    sameTop: against.sameTop,
    difference: against.difference.mean,
    differenceError: against.difference.error,
  }
}

type Opened = { model: LocalModel; tokenizer: Tokenizer; bytes: number; weights: number }

async function opened(path: string, options: PackOptions): Promise<Opened> {
  const { manifest, weights, tokenizer } = await packToMemory(path, options)
  const model = await loadModel(manifest, weights, {
    window: { window: undefined, sinks: 0 },
    chunk: CHUNK,
    logitRows: CHUNK,
    kv: localKv(manifest),
    maxPositions: CONTEXT,
    kernels: nodeKernels(),
  })
  return {
    model,
    tokenizer: readTokenizer(tokenizer),
    bytes: weightBytes(manifest),
    weights: manifest.tensors.reduce((sum, { rows, cols }) => sum + rows * cols, 0),
  }
}

/** Errors of the matrices that `wanted` takes, for each kind and rounding. */
async function weightLosses(
  path: string,
  kinds: readonly CodeKind[],
  wanted: (tensor: SourceTensor) => boolean,
): Promise<WeightLoss[]> {
  const source = await openSource(path)
  const out: WeightLoss[] = []
  for (const kind of kinds) {
    for (const rounding of ['nearest', 'search'] as const) {
      const { error } = await weightError(source, kind, rounding, wanted)
      out.push({ kind, rounding, error })
    }
  }
  await source.close()
  return out
}

function isTable({ role }: SourceTensor): boolean {
  return role === 'embedding'
}

async function tableLosses(path: string): Promise<QuantResults['table']> {
  const { tokens, losses } = await lossesOf(path, { embedding: 'keep' }, TABLE_WAYS, REAL_TOKENS)
  const errors = await weightLosses(path, ['q6', 'q4m'], isTable)
  const source = await openSource(path)
  const table = source.tensors.find(isTable)
  await source.close()
  return {
    model: DEFAULT_MODEL,
    weights: (table?.rows ?? 0) * (table?.cols ?? 0),
    tokens,
    losses,
    errors,
  }
}

async function packingSpeed(path: string): Promise<QuantResults['speed']> {
  const source = await openSource(path)
  const search = await weightError(source, 'q4m', 'search', isTable)
  const nearest = await weightError(source, 'q4m', 'nearest', isTable)
  await source.close()
  return {
    machine: `${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
    table: search.weights,
    weights: source.tensors.reduce((sum, { rows, cols }) => sum + rows * cols, 0),
    search: search.seconds,
    nearest: nearest.seconds,
  }
}

async function main(): Promise<void> {
  buildKernels()
  const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as QuantResults) : undefined
  process.stderr.write('the float model: half a minute\n')
  const float = await floatLosses()
  const weights = await weightLosses(FLOAT_MODEL, ['q8', 'q6', 'q4m', 'q4'], () => true)
  const path = await artefactOf(DEFAULT_MODEL, { log: (line) => void process.stderr.write(`${line}\n`) })
  if (path === undefined)
    process.stderr.write(`${DEFAULT_MODEL} is out of reach: its figures stay as they were\n`)
  else process.stderr.write(`${DEFAULT_MODEL}: some minutes\n`)
  const table = path === undefined ? before?.table : await tableLosses(path)
  const served = path === undefined ? before?.served : await servedLoss(DEFAULT_MODEL, path)
  const speed = path === undefined ? before?.speed : await packingSpeed(path)
  mkdirSync(new URL('.', `file://${RESULTS}`), { recursive: true })
  writeFileSync(RESULTS, `${JSON.stringify({ float, weights, table, served, speed }, undefined, 2)}\n`)
  process.stdout.write(
    'docs/results/quantising.json is written: npm run docs takes it into docs/quantising.md\n',
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
