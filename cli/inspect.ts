// The command `islet inspect` prints a model's tensors, and what they take in one isolate or several.

import { lstat, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { errorCode, IsletError } from '../src/lib/errors.ts'
import {
  MAX_CONTEXT,
  MAX_HEADS,
  MAX_LAYERS,
  MAX_TENSORS,
  MAX_VOCAB,
  MAX_WIDTH,
} from '../src/formats/limits.ts'
import { factsOf, size } from '../src/models/facts.ts'
import type { ModelSpec } from '../src/models/spec.ts'
import { openSource } from '../src/packing/open-source.ts'
import { planPack } from '../src/packing/pack.ts'
import { choice, type Embedding, EMBEDDINGS, type Quant, QUANTS } from '../src/packing/policy.ts'
import { checkChat } from '../src/packing/chat-format.ts'
import { naming } from '../src/packing/in-file.ts'
import { sharesIn } from '../src/packing/cut.ts'
import { MANIFEST_FILE } from '../src/packing/pack-folder.ts'
import { folderReader } from '../src/packing/small-file.ts'
import { readJson } from '../src/packing/source-safetensors.ts'
import type { Manifest, PackedPrefix, StageShare, TensorEntry } from '../src/weights/manifest.ts'
import { weightBytes } from '../src/weights/stream.ts'
import { planConfig } from './lib/config-plan.ts'
import { chainOf } from './lib/isolates.ts'
import { BUDGET, LARGEST_MEMORY, memoryTable, planWindow, type MemorySettings } from './lib/memory-table.ts'
import { specLines } from './lib/spec-lines.ts'
import { findModel, readManifest } from './lib/model.ts'
import { windowOption, wholeNumber } from './lib/options.ts'
import { megabytes } from './lib/progress.ts'
import { stageTable } from './lib/stages.ts'
import { columns, groupedTable, tensorSummary, tensorTable } from './lib/tensor-table.ts'

const usage = `islet inspect MODEL [--quant Q] [--embedding E] [--window 1024] [--sinks 4] [--chunk 32] [--tensors]

MODEL is a packed model, or what could be packed: a .gguf file, a Hugging Face folder, or a config.json alone.
  --quant, --embedding   as for pack: what the table should assume (for a config.json alone: q4)
  --window, --sinks, --chunk   for the memory plan: positions seen (or 256,1024: by depth), first positions kept, rows
                               of a prefill step
  --tensors              for a config.json alone: every tensor on a line of its own`

type Inspected = {
  spec: ModelSpec
  tensors: readonly TensorEntry[]
  bytes: number
  tokenizerBytes: number | undefined
  what: string
  /** What the model brings computed, where it is packed. */
  prefix?: PackedPrefix
  isPacked?: boolean
  /** What it is cut into; and which of these it is, where it is one itself. */
  stages?: { shares: readonly StageShare[]; index?: number }
  /** No weights are there, and layers of equal shape are all that can be said. */
  configAlone: boolean
}

export const command = {
  name: 'inspect',
  summary: 'print the tensor table and the memory plan of a model',
  usage,
  async run(
    argv: string[],
    print: (text: string) => void = (text) => void process.stdout.write(text),
  ): Promise<void> {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        quant: { type: 'string' },
        embedding: { type: 'string' },
        window: { type: 'string', default: '1024' },
        sinks: { type: 'string', default: '4' },
        chunk: { type: 'string', default: '32' },
        tensors: { type: 'boolean', default: false },
      },
    })
    if (positionals.length !== 1)
      throw new IsletError('invalid_request', `give one MODEL\nusage: ${usage}`, { param: 'MODEL' })
    const quant = values.quant === undefined ? undefined : choice(values.quant, QUANTS, '--quant')
    const embedding = choice(values.embedding ?? 'auto', EMBEDDINGS, '--embedding')
    const window = windowOption(values.window, values.sinks)
    const chunk = wholeNumber(values.chunk, '--chunk', 4)
    if (chunk % 4 !== 0)
      throw new IsletError('invalid_request', `--chunk ${chunk} is not a multiple of 4`, { param: '--chunk' })

    const model = await inspected(positionals[0], quant, embedding)
    try {
      printModel(model, { window, chunk, tensors: values.tensors }, print)
    } catch (error) {
      // A manifest is not checked field by field: programs that run the model meet each where they use it.
      if (error instanceof IsletError || !model.isPacked) throw error
      throw new IsletError(
        'invalid_file',
        `manifest.json does not hold together: ${String(error)}; pack again`,
        {
          cause: error,
        },
      )
    }
  },
}

type Shown = { window: ReturnType<typeof windowOption>; chunk: number; tensors: boolean }

function printModel(model: Inspected, shown: Shown, print: (text: string) => void): void {
  const { spec, tensors, bytes, tokenizerBytes } = model
  const list = model.configAlone && !shown.tensors ? groupedTable(tensors) : tensorTable(tensors)
  print(
    `${model.what}\n${specLines(spec)}\n\n${list}\n${tensorSummary(tensors, bytes)}\n${prefixLine(model)}`,
  )
  if (model.stages !== undefined) print(`\n${stageLines(model.stages, spec)}\n`)
  // Of a stage the plan of the whole model says nothing.
  if (model.stages?.index !== undefined) return
  const { window, chunk } = shown
  const settings = { ...planWindow(spec, window), chunk, weightBytes: bytes, tokenizerBytes }
  print(`\n${memoryLines(spec, settings)}\n`)
  print(`\n${isolateLines(model, settings)}\n`)
}

function stageLines({ shares, index }: NonNullable<Inspected['stages']>, spec: ModelSpec): string {
  const what =
    index === undefined ? `Cut into ${shares.length} stages` : `Stage ${index} of these ${shares.length}`
  return `${what}\n${stageTable(shares, spec).replace(/^/gm, '  ')}`
}

function prefixLine({ prefix }: Inspected): string {
  if (prefix === undefined) return ''
  const { ids, kv, file, length } = prefix
  return `prefix: the first ${ids.length} positions of a chat, computed already (${file}, ${length} bytes, KV ${kv})\n`
}

function memoryLines(spec: ModelSpec, settings: MemorySettings): string {
  const { rows, total, linear } = memoryTable(spec, settings)
  const line = (part: string, bytes: number): string =>
    `  ${part.padEnd(52)}${megabytes(bytes).padStart(10)} MB`
  const fits = (bytes: number, limit: number): string =>
    `${bytes <= limit ? 'fits' : 'does not fit'} in ${megabytes(limit)} MB`
  const { window, maxPositions } = settings
  const seen =
    window.window === undefined
      ? `no window, a text of at most ${maxPositions ?? spec.context} positions`
      : `window ${window.byDepth?.join(',') ?? window.window}, ${window.sinks} sinks`
  return [
    `Memory of one isolate, ${seen} (MB = 10^6 bytes)`,
    ...rows.map(({ part, bytes }) => line(part, bytes)),
    `${line('total', total)}: ${fits(total, BUDGET)}`,
    `${line('one linear memory of 4 GiB, as in Node', linear)}: ${fits(linear, LARGEST_MEMORY)}`,
  ].join('\n')
}

function isolateLines({ spec, tensors }: Inspected, settings: MemorySettings): string {
  const chain = chainOf(spec, tensors, settings)
  if (chain === undefined)
    return 'isolates: none would do: the step of a single part of a layer is too large for one, try a smaller --window or --chunk'
  const rows = chain.groups.map(({ count, holds, weights, pool, step, js, total }) => [
    String(count),
    holds,
    ...[weights, pool, step, js, total].map(megabytes),
  ])
  const header = ['isolates', 'each holds', 'weights', 'KV pool', 'one step', 'JavaScript', 'MB']
  return [
    `A chain of isolates of at most ${megabytes(BUDGET)} MB (memory alone: the calls from one to the next are not counted)`,
    columns(header, rows, 2).replace(/^/gm, '  '),
    `isolates: ${chain.count}`,
  ].join('\n')
}

async function inspected(model: string, quant: Quant | undefined, embedding: Embedding): Promise<Inspected> {
  const { kind, path } = await findModel(model)
  if (kind === 'packed') {
    const manifest = await readManifest(path)
    naming(MANIFEST_FILE, () => checkSizes(manifest))
    const { spec, tensors, tokenizer, stage } = manifest
    const shares = await sharesIn(path)
    const bytes = weightBytes(manifest)
    return {
      spec,
      tensors,
      bytes,
      tokenizerBytes: tokenizer.length,
      what: `${manifest.id}, packed in ${manifest.shards.length} shards`,
      prefix: manifest.prefix,
      isPacked: true,
      stages: stage ?? (shares && { shares }),
      configAlone: false,
    }
  }
  const config = await configAlone(path)
  if (config !== undefined) return fromConfig(config, quant ?? 'q4', embedding)
  const source = await openSource(path)
  try {
    checkChat(source)
    const { entries, bytes } = planPack(source, { quant: quant ?? 'auto', embedding })
    // A tokenizer of a kind that we do not read has a size all the same: it is estimated.
    const tokenizerBytes = await source.tokenizer().then(
      (tokenizer) => tokenizer?.length,
      (error: unknown) => {
        if (errorCode(error) !== 'unsupported_format') throw error
        return undefined
      },
    )
    return {
      spec: source.spec,
      tensors: entries,
      bytes,
      tokenizerBytes,
      what: `${source.name}, as it would be packed`,
      configAlone: false,
    }
  } finally {
    await source.close()
  }
}

/** What tables and loops go by; the rest of a manifest is met where it is used. */
function checkSizes({ spec, tensors }: Manifest): void {
  const facts = factsOf(spec)
  const limits = {
    ...{ layers: MAX_LAYERS, hidden: MAX_WIDTH, heads: MAX_HEADS, kvHeads: MAX_HEADS, headDim: MAX_WIDTH },
    ...{ ffn: MAX_WIDTH, vocab: MAX_VOCAB, context: MAX_CONTEXT },
  }
  for (const [key, most] of Object.entries(limits)) size(facts, key, most)
  if (tensors.length > MAX_TENSORS)
    throw new IsletError('invalid_file', `${tensors.length} tensors, at most ${MAX_TENSORS} are read`)
}

/** A config that was named itself (any .json file) or that lies in a folder without weights. */
async function configAlone(path: string): Promise<string | undefined> {
  if (path.endsWith('.json')) return path
  const isFolder = (await stat(path)).isDirectory()
  if (!isFolder || (await folderReader(path)('config.json')) === undefined) return undefined
  for (const name of ['model.safetensors', 'model.safetensors.index.json']) {
    if ((await lstat(join(path, name)).catch(() => undefined)) !== undefined) return undefined
  }
  return join(path, 'config.json')
}

async function fromConfig(path: string, quant: Quant, embedding: Embedding): Promise<Inspected> {
  const config = factsOf(await readJson(folderReader(dirname(path)), basename(path)))
  return {
    ...planConfig(config, quant, embedding),
    tokenizerBytes: undefined,
    what: `${basename(path)} alone, with --quant ${quant}`,
    configAlone: true,
  }
}
