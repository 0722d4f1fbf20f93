// islet inspect: the tensor table of a model and what it takes in an isolate.

import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { TensorType } from '../src/formats/dtype.ts'
import { IsletError } from '../src/lib/errors.ts'
import { factsOf } from '../src/models/facts.ts'
import { familyOfConfig } from '../src/models/registry.ts'
import type { ModelSpec } from '../src/models/spec.ts'
import { folderReader, openSource } from '../src/packing/open-source.ts'
import { planPack } from '../src/packing/pack.ts'
import { choice, type Embedding, EMBEDDINGS, kindOf, type Quant, QUANTS } from '../src/packing/policy.ts'
import { readJson } from '../src/packing/source-safetensors.ts'
import type { TensorEntry } from '../src/weights/manifest.ts'
import { planTensors } from '../src/weights/plan.ts'
import { weightBytes } from '../src/weights/stream.ts'
import { BUDGET, memoryTable } from './lib/memory-table.ts'
import { specLines } from './lib/spec-lines.ts'
import { findModel, readManifest } from './lib/model.ts'
import { windowOption, wholeNumber } from './lib/options.ts'
import { megabytes } from './lib/progress.ts'

const usage = `islet inspect MODEL [--quant Q] [--embedding E] [--window 1024] [--sinks 4] [--chunk 16]

MODEL is a packed model, or what could be packed: a .gguf file, a Hugging Face folder, or a config.json alone.
  --quant, --embedding   as for pack: what the table should assume (for a config.json alone: q4)
  --window, --sinks, --chunk   for the memory plan: positions seen (or 256,1024: by depth), first positions kept, rows
                               of a prefill step`

type Inspected = {
  spec: ModelSpec
  tensors: readonly TensorEntry[]
  bytes: number
  tokenizerBytes: number | undefined
  what: string
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
        chunk: { type: 'string', default: '16' },
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
    print(`${model.what}\n${specLines(model.spec)}\n\n${tensorTable(model)}\n`)
    const { rows, total } = memoryTable(model.spec, {
      window,
      chunk,
      weightBytes: model.bytes,
      tokenizerBytes: model.tokenizerBytes,
    })
    const lines = rows.map(({ part, bytes }) => `  ${part.padEnd(52)}${megabytes(bytes).padStart(10)} MB`)
    const verdict = total <= BUDGET ? 'fits' : 'does not fit'
    print(
      `\nMemory of one isolate, window ${values.window}, ${window.sinks} sinks (MB = 10^6 bytes)\n${lines.join('\n')}\n`,
    )
    print(
      `  ${'total'.padEnd(52)}${megabytes(total).padStart(10)} MB: ${verdict} in ${megabytes(BUDGET)} MB\n`,
    )
  },
}

async function inspected(model: string, quant: Quant | undefined, embedding: Embedding): Promise<Inspected> {
  const { kind, path } = await findModel(model)
  if (kind === 'packed') {
    const manifest = await readManifest(path)
    const { spec, tensors, tokenizer } = manifest
    const bytes = weightBytes(manifest)
    return {
      spec,
      tensors,
      bytes,
      tokenizerBytes: tokenizer.length,
      what: `${manifest.id}, packed in ${manifest.shards.length} shards`,
    }
  }
  const config = await configAlone(path)
  if (config !== undefined) return fromConfig(config, quant ?? 'q4', embedding)
  const source = await openSource(path)
  try {
    const { entries, bytes } = planPack(source, { quant: quant ?? 'keep', embedding })
    // A tokenizer that we do not read has a size all the same: it is estimated.
    const tokenizerBytes = await source.tokenizer().then(
      (tokenizer) => tokenizer?.length,
      () => undefined,
    )
    return {
      spec: source.spec,
      tensors: entries,
      bytes,
      tokenizerBytes,
      what: `${source.name}, as it would be packed`,
    }
  } finally {
    await source.close()
  }
}

/** A config that was named itself (any .json file) or that lies in a folder without weights. */
async function configAlone(path: string): Promise<string | undefined> {
  if (path.endsWith('.json')) return path
  const isFolder = (await stat(path)).isDirectory()
  if (!isFolder || (await folderReader(path)('config.json')) === undefined) return undefined
  for (const name of ['model.safetensors', 'model.safetensors.index.json']) {
    if ((await stat(join(path, name)).catch(() => undefined)) !== undefined) return undefined
  }
  return join(path, 'config.json')
}

async function fromConfig(path: string, quant: Quant, embedding: Embedding): Promise<Inspected> {
  const config = factsOf(await readJson(folderReader(dirname(path)), basename(path)))
  const family = familyOfConfig(config)
  const spec = family.specFromConfig(config)
  const type = DTYPES.get(String(config.get('torch_dtype') ?? config.get('dtype'))) ?? 'BF16'
  const { entries, bytes } = planTensors(
    family.tensors(spec, 'huggingface').map((tensor) => ({
      name: tensor.role,
      kind: kindOf({ ...tensor, type }, quant, embedding),
      rows: tensor.rows,
      cols: tensor.cols,
      source: type,
    })),
  )
  return {
    spec,
    tensors: entries,
    bytes,
    tokenizerBytes: undefined,
    what: `${basename(path)} alone, with --quant ${quant}`,
  }
}

const DTYPES: ReadonlyMap<string, TensorType> = new Map([
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
])

function tensorTable({ tensors, bytes }: Inspected): string {
  const rows = tensors.map(({ name, rows, cols, source, kind, length, offset }) => [
    name,
    rows === 1 ? `${cols}` : `${rows} x ${cols}`,
    source,
    kind,
    String(length),
    ((length * 8) / (rows * cols)).toFixed(2),
    String(offset),
  ])
  const weights = tensors.reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  const header = ['tensor', 'shape', 'source', 'kind', 'bytes', 'bits', 'offset']
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  )
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
  const kinds = new Map<string, number>()
  for (const { kind, length } of tensors) kinds.set(kind, (kinds.get(kind) ?? 0) + length)
  const sums = [...kinds].map(([kind, length]) => `${kind} ${megabytes(length)}`).join(', ')
  const summary = `${tensors.length} tensors, ${weights} weights, ${bytes} bytes (MB: ${sums}), ${((bytes * 8) / weights).toFixed(2)} bits a weight`
  return [line(header), ...rows.map(line), summary].join('\n')
}
