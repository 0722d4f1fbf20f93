// `npm run shapes`: models of real sizes with random weights as chains of scripts in one process: load, first token, decode,
// hops, and the peak of every isolate, into docs/results/shapes.json. Their logits are compared with those of the whole model in one memory.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeKernels } from '../cli/lib/kernels.ts'
import { MODELS, openModel } from '../cli/lib/model.ts'
import { stageSettings, stageTable } from '../cli/lib/stages.ts'
import { loadModel } from '../src/graph/load-model.ts'
import { CHAIN_LOGIT_ROWS } from '../src/graph/chain-memory.ts'
import { cutModel } from '../src/packing/cut.ts'
import type { PlannedShare } from '../src/packing/plan-stages.ts'
import { weightBytes } from '../src/weights/stream.ts'
import { buildKernels } from '../tools/build.ts'
import { chainScripts } from '../tools/chain-scripts.ts'
import { heapTotal, samplersOf } from '../tools/inspector.ts'
import { writeScripts } from '../tools/scripts.ts'
import { runJob } from './hosts/engine.ts'
import { promptIds } from './lib/cases.ts'
import { CONFIGS, TITLES, type ChainModelName } from './lib/chain-models.ts'
import { Client } from './lib/client.ts'
import { compactJson, describeMachine } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { makeShape } from './lib/shape-folder.ts'
import { SHAPES_FILE, type ShapeResult, type ShapesResult, type ShapeStage } from './lib/shapes-result.ts'
import { startChain, untilHealthy } from './lib/worker.ts'

const USAGE = `node bench/shapes.ts [NAME...] [--trial]
  NAME        of ${['qwen2.5-0.5b', 'llama-3.2-1b', 'qwen-1.8b'].join(', ')} (all)
  --trial     writes nothing; otherwise each goes into docs/results/shapes.json, in place of what was there`

const SHAPES: ChainModelName[] = ['qwen2.5-0.5b', 'llama-3.2-1b', 'qwen-1.8b']

const PROMPT = 64
const TOKENS = 32
const COMPARED = 8
const MORE = { answers: 2, tokens: 128 }
const SAMPLE_MS = 50
const WINDOW = { window: 1024, sinks: 4 }
const CHUNK = 32

type Measured = Pick<ShapeResult, 'load' | 'first' | 'decode'> & {
  stages: Pick<ShapeStage, 'linear' | 'heap' | 'held' | 'hops'>[]
  logitsSha256: string | undefined
}

type Health = {
  linear_memory_bytes: number
  stages: { linear_memory_bytes: number; calls: number; last_hop_ms: number; slowest_hop_ms: number }[]
}

/** The whole model in one memory. */
async function inOneMemory(folder: string): Promise<ShapeResult['whole'] & { logitsSha256: string }> {
  const { manifest, source } = await openModel(folder, {})
  const stage = await loadModel(manifest, source, {
    ...{ window: WINDOW, chunk: CHUNK, logitRows: CHAIN_LOGIT_ROWS },
    kernels: nodeKernels(),
  })
  const job = { ids: promptIds(PROMPT, 0), ...WINDOW, chunk: CHUNK, repetitions: 1 }
  const now = (): number => performance.now() / 1e3
  const { logitsSha256, ids } = runJob(stage, { ...job, decode: COMPARED - 1 }, now)
  const timed = runJob(stage, { ...job, decode: TOKENS }, now)
  stage.release()
  return { first: timed.prefill[0], decode: timed.decode[0], ids, logitsSha256 }
}

async function asChain(folder: string, scratch: string): Promise<Measured> {
  const { scripts, id } = chainScripts('islet', folder, {})
  const written = writeScripts(scripts, scratch)
  const worker = await startChain([written.map(({ config }) => config).reverse()])
  const client = new Client(worker.url)
  try {
    const { inspector: own, runtime } = worker
    if (runtime === undefined) throw new BenchError("wrangler's log names no inspector")
    const names = scripts.map(({ name }) => name)
    const samplers = await samplersOf({ own, ...runtime }, names, SAMPLE_MS)
    for (const sampler of samplers) sampler.start()
    const began = performance.now()
    await untilHealthy(worker)
    const load = (performance.now() - began) / 1e3
    const { logitsSha256 } = await client.complete(id, promptIds(PROMPT, 0), COMPARED, { hashLogits: true })
    const { arrivals } = await client.complete(id, promptIds(PROMPT, 1), TOKENS + 1)
    // Garbage grows with what is said.
    for (let more = 0; more < MORE.answers; more++)
      await client.complete(id, promptIds(PROMPT, 2 + more), MORE.tokens)
    const health = (await untilHealthy(worker)) as unknown as Health
    const [hubs, ...others] = samplers
    for (const sampler of others) await sampler.stop()
    const held = heapTotal(await hubs.stopAndCollect(() => untilHealthy(worker)))
    const linear = [health, ...health.stages].map(({ linear_memory_bytes }) => linear_memory_bytes)
    return {
      load,
      first: arrivals[0],
      decode: arrivals[arrivals.length - 1] - arrivals[0],
      logitsSha256,
      stages: samplers.map((sampler, i) => ({
        linear: linear[i],
        heap: heapTotal(sampler.peak()),
        ...(i > 0 ? { hops: hopsOf(health.stages[i - 1]) } : { held }),
      })),
    }
  } finally {
    client.close()
    await worker.stop()
  }
}

function hopsOf({ calls, last_hop_ms, slowest_hop_ms }: Health['stages'][number]): ShapeStage['hops'] {
  return { calls, lastMs: last_hop_ms, slowestMs: slowest_hop_ms }
}

async function measured(name: ChainModelName): Promise<ShapeResult> {
  const id = `shape-${name}`
  const folder = join(MODELS, id)
  await makeShape(folder, id, CONFIGS[name])
  const { manifest } = await openModel(folder, {})
  const shares = await cutModel(folder, 'auto', stageSettings(manifest.spec))
  console.log(stageTable(shares, manifest.spec))
  const machine = await describeMachine()
  const { logitsSha256, ...whole } = await inOneMemory(folder)
  const scratch = mkdtempSync(join(tmpdir(), 'islet-shapes-'))
  try {
    const chain = await asChain(folder, scratch)
    const { load, first, decode } = chain
    const result = {
      ...{ name, title: TITLES[name], machine, load, first, decode },
      ...{ prompt: PROMPT, tokens: TOKENS, compared: COMPARED },
      weightBytes: weightBytes(manifest),
      tokenizerBytes: manifest.tokenizer.length,
      stages: shares.map((share, i) => stageOf(share, chain.stages[i], i, manifest.spec)),
      whole,
      isSame: chain.logitsSha256 === logitsSha256,
    }
    if (!result.isSame) console.error(`${name}: the chain's logits are not those of the whole model`)
    return result
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function stageOf(
  share: PlannedShare,
  { linear, heap, held, hops }: Measured['stages'][number],
  index: number,
  spec: Parameters<typeof stageTable>[1],
): ShapeStage {
  // The words of `islet inspect`.
  const [, holds] =
    /^ *(?:0, the hub|\d+)? {2,}(.*?) {2,}/m.exec(stageTable([share], spec).split('\n')[1]) ?? []
  return {
    holds: holds ?? String(index),
    weightBytes: share.weightBytes,
    planned: share.isolateBytes,
    ...{ linear, heap, peak: linear + heap },
    ...(held !== undefined && { held }),
    ...(hops && { hops }),
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { trial: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help === true) return console.log(USAGE)
  const names = positionals.length === 0 ? SHAPES : SHAPES.filter((name) => positionals.includes(name))
  // For the log to tell where workerd's inspector is.
  process.env['WRANGLER_LOG'] = 'debug'
  buildKernels()
  for (const name of names) {
    const result = await measured(name)
    const { stages, load, first, decode, isSame } = result
    const peak = Math.max(...stages.map((stage) => stage.peak))
    console.log(
      `${name}: ${stages.length} scripts, load ${load.toFixed(1)} s, first ${first.toFixed(2)} s, ` +
        `${(TOKENS / decode).toFixed(1)} tokens a second, peak ${(peak / 1e6).toFixed(1)} MB, same ${isSame}`,
    )
    if (values.trial !== true) keep(result)
  }
}

function keep(result: ShapeResult): void {
  const { shapes } = existsSync(SHAPES_FILE)
    ? (JSON.parse(readFileSync(SHAPES_FILE, 'utf8')) as ShapesResult)
    : { shapes: [] }
  const all = SHAPES.flatMap((name) =>
    name === result.name ? result : (shapes.find((shape) => shape.name === name) ?? []),
  )
  writeFileSync(SHAPES_FILE, `${compactJson({ shapes: all } satisfies ShapesResult)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
