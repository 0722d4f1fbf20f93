// `npm run trimmed`: Gemma 3 270M with a part of its vocabulary in one isolate, beside the default model, into
// docs/results/trimmed.json. Peaks of the isolate; decode and a cold object's first token in turns; and how far the logits
// are from float32 on the file's weights, over the ids that stay.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openModel } from '../cli/lib/model.ts'
import { artefactOf, DEFAULT_MODEL, ensureModel, vocabularyFile } from '../cli/lib/pull.ts'
import { servedKv } from '../src/graph/buffers.ts'
import { exp } from '../src/lib/math.ts'
import { openSource } from '../src/packing/open-source.ts'
import { readVocabulary } from '../src/packing/vocabulary/vocabulary-file.ts'
import { largest } from '../src/sampling/candidates.ts'
import { logSumExp } from '../src/sampling/logprobs.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import { weightBytes } from '../src/weights/stream.ts'
import { buildKernels } from '../tools/build.ts'
import { ROOT } from '../tools/root.ts'
import { placeFiles, placeModel } from '../tools/site.ts'
import { promptIds } from './lib/cases.ts'
import { Client, timeCase } from './lib/client.ts'
import { meanOf } from './lib/mean.ts'
import { describeMachine, median, type Machine } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { eachRow, HELD_TEXT, MOST_POSITIONS } from './lib/served-loss.ts'
import { startIslet } from './lib/worker.ts'
import { streamIntoMemory } from './cold.ts'
import { peakAt } from './memory.ts'

export const TRIMMED_FILE = `${ROOT}docs/results/trimmed.json`

const MODEL = 'gemma-3-270m-en'
const WHOLE = 'gemma-3-270m'
/** Ids that both models have; what they mean is nothing to a time. */
const SMALLEST_VOCABULARY = 40_000
const [PEAKS, ROUNDS] = [3, 9]
const WINDOW = 1024
/** Tokens of the prompt and of the answer whose time is taken, and of a cold object's prompt. */
const [PROMPT, DECODED, COLD_PROMPT] = [256, 200, 32]

export type TrimmedLoss = {
  positions: number
  /** Nats a position over the ids that stay, with its standard error; the share of the same likeliest one. */
  kl: number
  klError: number
  sameTop: number
  /** Of the whole model's probability, what it gives to the ids that went. */
  lostMass: number
}

/** Bytes, and seconds of each round; of each model in turn. */
export type TrimmedSide = {
  model: string
  weights: number
  peaks: number[]
  decode: number[]
  cold: number[]
  streaming: number[]
}

export type TrimmedResult = {
  machine: Machine
  window: number
  ids: number
  of: number
  loss: TrimmedLoss
  sides: TrimmedSide[]
}

/** What the trimmed model loses. Texts are cut by its own tokenizer: the whole model reads the ids that these were. */
async function lossOf(): Promise<TrimmedLoss> {
  const path = await artefactOf(WHOLE, { log: (line) => process.stderr.write(`${line}\n`) })
  if (path === undefined) throw new BenchError(`${WHOLE} is out of reach`)
  const source = await openSource(path)
  const { kept } = await readVocabulary(source, readFileSync(vocabularyFile(MODEL), 'utf8'))
  await source.close()
  const served = await openModel(MODEL, {})
  const { about: _, ...texts } = JSON.parse(readFileSync(HELD_TEXT, 'utf8')) as Record<string, string>
  const tokenizer = readTokenizer(served.tokenizerBytes)
  const bos = tokenizer.bosId === undefined ? [] : [tokenizer.bosId]
  const ids = Object.values(texts).map((text) => [...bos, ...tokenizer.encode(text)].slice(0, MOST_POSITIONS))
  const wanted: Float64Array[] = []
  let lost = 0
  const whole = await openModel(path, { quant: 'f32', embedding: 'f32' })
  const old = ids.map((text) => text.map((id) => kept[id]))
  await eachRow(whole, 'f32', old, (logits) => {
    const stay = logSumExp(Float32Array.from(kept, (id) => logits[id]))
    lost += 1 - exp(stay - logSumExp(logits))
    wanted.push(Float64Array.from(kept, (id) => logits[id] - stay))
  })
  const kls: number[] = []
  let same = 0
  await eachRow(served, servedKv(served.manifest.spec), ids, (logits) => {
    const reference = wanted[kls.length]
    const offset = logSumExp(logits)
    kls.push(reference.reduce((sum, own, id) => sum + exp(own) * (own - (logits[id] - offset)), 0))
    if (largest(logits, 1)[0] === largest(Float32Array.from(reference), 1)[0]) same++
  })
  const { mean: kl, error: klError } = meanOf(kls)
  const positions = kls.length
  return { positions, kl, klError, sameTop: same / positions, lostMass: lost / positions }
}

const promptOf = (length: number, serial: number): number[] =>
  promptIds(length, serial).map((id) => id % SMALLEST_VOCABULARY)

/** A cold object's first token, then one answer. */
async function coldAndDecode(model: string, round: number): Promise<{ cold: number; decode: number }> {
  const worker = await startIslet({ MODEL: model, WINDOW })
  const client = new Client(worker.url)
  try {
    const cold = (await client.complete(model, promptOf(COLD_PROMPT, round), 1)).arrivals[0]
    await client.complete(model, promptOf(COLD_PROMPT, round + 100), COLD_PROMPT)
    const todo = { prompt: PROMPT, decode: DECODED }
    const { seconds } = await timeCase(client, model, todo, promptOf(PROMPT, round + 200))
    return { cold, decode: seconds }
  } finally {
    client.close()
    await worker.stop()
  }
}

async function main(): Promise<void> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  for (const model of [DEFAULT_MODEL, MODEL, WHOLE])
    if ((await ensureModel(model, { log })) === 'unreachable')
      throw new BenchError(`${model} is out of reach`)
  const machine = await describeMachine()
  buildKernels()
  const folder = (model: string): string => join(ROOT, 'models', model)
  placeModel(folder(DEFAULT_MODEL))
  placeFiles(folder(MODEL), `${ROOT}build/site`)
  const sides: TrimmedSide[] = []
  for (const model of [MODEL, DEFAULT_MODEL]) {
    const { manifest } = await openModel(model, {})
    const side = {
      model,
      weights: weightBytes(manifest),
      peaks: [] as number[],
      decode: [],
      cold: [],
      streaming: [],
    }
    sides.push(side)
    for (let run = 0; run < PEAKS; run++) {
      log(`${model}: peak, run ${run + 1} of ${PEAKS}`)
      side.peaks.push((await peakAt(WINDOW, { model, vocabulary: SMALLEST_VOCABULARY })).peak)
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    log(`round ${round + 1} of ${ROUNDS}`)
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const { cold, decode } = await coldAndDecode(side.model, round)
      side.cold.push(cold)
      side.decode.push(decode)
      side.streaming.push(await streamIntoMemory(folder(side.model)))
    }
  }
  log('loss: some minutes')
  const { manifest } = await openModel(MODEL, {})
  const of = manifest.vocabulary?.of
  if (of === undefined) throw new BenchError(`${MODEL} has its whole vocabulary`)
  const loss = await lossOf()
  const result: TrimmedResult = { machine, window: WINDOW, ids: manifest.spec.vocab, of, loss, sides }
  writeFileSync(TRIMMED_FILE, `${JSON.stringify(result, null, 1)}\n`)
  const [own, beside] = sides
  console.log(JSON.stringify(loss))
  for (const { model, peaks, weights } of sides) console.log(model, weights, 'peaks', ...peaks)
  console.log('decode, speed beside', median(beside.decode) / median(own.decode))
  console.log(
    'cold beside',
    median(own.cold) / median(beside.cold),
    'bytes beside',
    own.weights / beside.weights,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
