// `npm run context`: perplexity against length, with and without what Qwen-1 does beyond its trained length, into
// docs/results/context-extension.json, for docs/context.md. The model is test/fixtures/context-model (scripts/train-context).
// One core, some minutes.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nodeKernels } from '../cli/lib/kernels.ts'
import { windowOptions } from '../src/cache/window.ts'
import { Feed } from '../src/graph/feed.ts'
import { loadModel } from '../src/graph/load-model.ts'
import type { LocalModel } from '../src/graph/model.ts'
import { promptShape } from '../src/cache/prompt-shape.ts'
import { exp } from '../src/lib/math.ts'
import type { ModelSpec } from '../src/models/spec.ts'
import { packToMemory, type MemoryPack } from '../src/packing/pack-memory.ts'
import { logSumExp } from '../src/sampling/logprobs.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import { buildKernels } from '../tools/build.ts'
import { ROOT } from '../tools/root.ts'
import { meanOf } from './lib/mean.ts'

export const CONTEXT_MODEL = `${ROOT}test/fixtures/context-model`
export const RESULTS = `${ROOT}docs/results/context-extension.json`

/** Rows of a step; no figure depends on it. */
const CHUNK = 64
/** Places in the text; the same tokens count at every length. */
const PLACES = 32
const SINKS = 4

/** What a way turns on of the spec's switches, and the window that it configures. */
export type Way = { name: string; ntk: boolean; logn: boolean; windows?: number[]; sinks: number }

/** One length: of the tokens that count, in nats; `more` is against the same way at the trained length, token by token. */
export type AtLength = {
  length: number
  alpha: number
  nats: number
  error: number
  more: number
  moreError: number
}

export type ContextResults = {
  model: {
    weights: number
    layers: number
    heads: number
    headDim: number
    base: number
    trained: number
    kv: 'f32'
  }
  /** `counted` tokens count at every length: the last `block` at each of `places`. */
  text: { tokens: number; places: number; block: number; counted: number }
  ways: (Way & { lengths: AtLength[] })[]
}

/** Lengths in parts of the trained one. */
const PARTS = [0.5, 1, 1.5, 2, 3, 4, 8, 16]

/** The ways, for a model trained at `trained` positions. */
export function waysOf(trained: number): Way[] {
  return [
    { name: 'as trained', ntk: false, logn: false, sinks: 0 },
    { name: 'NTK', ntk: true, logn: false, sinks: 0 },
    { name: 'NTK, LogN', ntk: true, logn: true, sinks: 0 },
    {
      name: 'NTK, LogN, windows by depth',
      ...{ ntk: true, logn: true },
      windows: [1, 2, 4, 8].map((part) => part * trained),
      sinks: 0,
    },
    // No distance is longer than any that was trained.
    { name: 'window and sinks alone', ntk: false, logn: false, windows: [trained - SINKS], sinks: SINKS },
  ]
}

/** The trained length and the base of a spec that has dynamic NTK and LogN. */
export function trainedOf(spec: ModelSpec): { trained: number; base: number } {
  const { position } = spec.attention.kinds[0]
  if (position.kind !== 'rope' || position.scaling.kind !== 'ntk' || spec.attention.logn === undefined)
    throw new Error(`${spec.family}: only a model with dynamic NTK and LogN shows what they do`)
  return { trained: position.scaling.trained, base: position.base }
}

/** The spec with the switches of `way`. */
export function switched(spec: ModelSpec, { ntk, logn }: Pick<Way, 'ntk' | 'logn'>): ModelSpec {
  const { logn: from, ...attention } = spec.attention
  const kinds = attention.kinds.map((kind) =>
    kind.position.kind === 'rope' && !ntk
      ? { ...kind, position: { ...kind.position, scaling: { kind: 'none' as const } } }
      : kind,
  )
  return { ...spec, attention: { ...attention, kinds, ...(logn && from !== undefined && { logn: from }) } }
}

/** Loads the model as `way` has it, for sequences of up to `longest`. */
export async function loadWay(pack: MemoryPack, way: Way, longest: number): Promise<LocalModel> {
  const manifest = { ...pack.manifest, spec: switched(pack.manifest.spec, way) }
  return loadModel(manifest, pack.weights, {
    window: windowOptions(way.windows ?? [0], way.sinks),
    chunk: CHUNK,
    logitRows: CHUNK,
    kv: 'f32',
    maxPositions: longest,
    kernels: nodeKernels(),
  })
}

/** Where the tokens that count end: spread over the text, the first with room for `longest` before it. */
export function placesIn(tokens: number, longest: number, places: number): number[] {
  const step = (tokens - longest - 1) / (places - 1)
  return Array.from({ length: places }, (_, i) => longest + 1 + Math.floor(i * step))
}

/** Nats of the last `block` tokens before each of `ends`, given `length` tokens that end one before: each length is one call. */
export function natsAt(
  model: LocalModel,
  ids: readonly number[],
  { ends, length, block }: { ends: readonly number[]; length: number; block: number },
): number[] {
  return ends.flatMap((end) => {
    const start = end - 1 - length
    const nats: number[] = []
    new Feed(model).run(ids.slice(start, end - 1), (logits, position) => {
      if (position >= length - block) nats.push(logSumExp(logits) - logits[ids[start + position + 1]])
    })
    return nats
  })
}
/** Every way at every length. */
async function measure(log: (line: string) => void): Promise<ContextResults> {
  const pack = await packToMemory(CONTEXT_MODEL, { quant: 'f32' })
  const { spec, tensors } = pack.manifest
  const { trained, base } = trainedOf(spec)
  const ids = readTokenizer(pack.tokenizer).encode(readFileSync(`${CONTEXT_MODEL}/held-out.txt`, 'utf8'))
  const lengths = PARTS.map((part) => part * trained)
  const longest = lengths[lengths.length - 1]
  const block = lengths[0]
  const ends = placesIn(ids.length, longest, PLACES)
  const ways: ContextResults['ways'] = []
  for (const way of waysOf(trained)) {
    const model = await loadWay(pack, way, longest)
    const all = new Map(lengths.map((length) => [length, natsAt(model, ids, { ends, length, block })]))
    const there = all.get(trained) ?? []
    const rows = [...all].map(([length, nats]): AtLength => {
      const { mean, error } = meanOf(nats)
      const more = meanOf(nats.map((value, i) => value - there[i]))
      const alpha = promptShape(model.spec, ids.slice(0, length), model.window).ntk
      log(`${way.name}, ${length}: alpha ${alpha}, perplexity ${exp(mean).toFixed(3)}`)
      return { length, alpha, nats: mean, error, more: more.mean, moreError: more.error }
    })
    ways.push({ ...way, lengths: rows })
  }
  return {
    model: {
      weights: tensors.reduce((sum, { rows, cols }) => sum + rows * cols, 0),
      ...{ layers: spec.layers, heads: spec.heads, headDim: spec.headDim, base, trained, kv: 'f32' },
    },
    text: { tokens: ids.length, places: PLACES, block, counted: PLACES * block },
    ways,
  }
}

async function main(): Promise<void> {
  buildKernels()
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  const results = await measure(log)
  mkdirSync(new URL('.', `file://${RESULTS}`), { recursive: true })
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`)
  process.stdout.write(
    'docs/results/context-extension.json is written: npm run docs takes it into docs/context.md\n',
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
