// The command `islet perplexity` tells how well a model foretells a text. Beside another model, it tells what
// quantising costs.

import { parseArgs } from 'node:util'
import type { WindowOptions } from '../src/cache/window.ts'
import type { KvKind } from '../src/graph/buffers.ts'
import { loadModel } from '../src/graph/load-model.ts'
import type { LocalModel } from '../src/graph/model.ts'
import { IsletError } from '../src/lib/errors.ts'
import { exp, log } from '../src/lib/math.ts'
import { choice } from '../src/packing/policy.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import type { Tokenizer } from '../src/tokenizer/tokenizer.ts'
import { nodeKernels } from './lib/kernels.ts'
import { localKv } from './lib/kv.ts'
import { type OpenedModel, openTextModel } from './lib/model.ts'
import { windowOption, wholeNumber } from './lib/options.ts'
import { progressBar } from './lib/progress.ts'
import {
  countedIds,
  type Mean,
  scoredTexts,
  scoreText,
  SMALLEST_CONTEXT,
  type TextScore,
} from './lib/score.ts'
import { type Share, sharesOf } from './lib/shares.ts'
import { printOut, type Print, readText } from './lib/text-command.ts'

const usage = `islet perplexity MODEL FILE [--context N] [--limit TOKENS] [--against MODEL2] [--shares yes|no] [--json]
                       [--window W] [--sinks S] [--kv f32|q8] [--chunk N]

Cuts the text of FILE into chunks of N tokens, each of which starts afresh (with the model's BOS in the place of its first
token, where it has one), and reports how likely the second half of each was, given what came before: perplexity, nats a
token, bits a byte. What is left behind the last whole chunk does not count.
  --context N    tokens of a chunk: 512, or the trained context if that is shorter
  --limit N      read the first N tokens of the text alone
  --against M    the same text by another model of the same tokenizer, and how far MODEL's distributions are from its: mean
                 KL divergence (nats), share of positions with the same likeliest token, difference in nats a token
  --shares       which part of the model the divergence comes from, which takes eight times as long (yes): weights, from a
                 model that is exact elsewhere; activations of 16 bits and a KV cache of floats, by what each takes off
  --json         one object with every figure in full
  --window W     last positions seen (without it: full attention);  --sinks S  first positions always seen (4);
                 several, as 64,128,256: a window for each of so many equal runs of layers, from the first layer up
  --kv           precision of the KV cache, for both models: f32 for a checkpoint in floating point, else q8
  --chunk N      rows of a step, a multiple of 4 (64); no figure depends on it`

const options = {
  context: { type: 'string' },
  limit: { type: 'string' },
  against: { type: 'string' },
  shares: { type: 'string' },
  json: { type: 'boolean' },
  window: { type: 'string' },
  sinks: { type: 'string' },
  kv: { type: 'string' },
  chunk: { type: 'string' },
} as const

type Values = { [K in keyof typeof options]?: K extends 'json' ? boolean : string }

export const command = { name: 'perplexity', summary: 'tell how well a model foretells a text', usage, run }

type Run = {
  window: WindowOptions
  kv: KvKind | undefined
  chunk: number
  context: number | undefined
  shares: boolean
}

type Reader = {
  id: string
  opened: OpenedModel
  model: LocalModel
  kv: KvKind
  tokenizer: Tokenizer
  context: number
}

async function run(argv: string[], print: Print = printOut): Promise<void> {
  const { positionals, values } = parseArgs({ args: argv, allowPositionals: true, options })
  if (positionals.length !== 2)
    throw new IsletError('invalid_request', `give MODEL and FILE\nusage: ${usage}`)
  const [name, file] = positionals
  const settings = settingsOf(values)
  const limit = values.limit === undefined ? Infinity : wholeNumber(values.limit, '--limit', SMALLEST_CONTEXT)
  const text = await readText(file, 'FILE')
  const own = await openReader(name, settings)
  const ids = idsOf(own, text, limit)
  const context = settings.context ?? own.context
  const other =
    values.against === undefined ? undefined : await openReader(values.against, { ...settings, context })
  if (other !== undefined) checkAlike(own, other, ids, idsOf(other, text, limit))

  const bar = progressBar(`reading ${file}`, process.stderr, (done, total) => `${done} of ${total} chunks`)
  const score = scoreText(own.model, ids, {
    context,
    bos: bosOf(own),
    against: other?.model,
    onProgress: bar.update,
  })
  bar.finish()
  const bytes = countedIds(ids, context).reduce((sum, id) => sum + own.tokenizer.tokenBytes(id).length, 0)
  const shares = other && settings.shares ? await sharesBeside(own, other, ids, context, settings) : undefined
  const report = reportOf(score, { own, other, context, bytes, window: settings.window, shares })
  print(values.json === true ? `${JSON.stringify(report)}\n` : textOf(report))
}

function settingsOf(values: Values): Run {
  const window = windowOption(values.window, values.sinks)
  const chunk = values.chunk === undefined ? 64 : wholeNumber(values.chunk, '--chunk', 4)
  if (chunk % 4 !== 0)
    throw new IsletError('invalid_request', `--chunk ${chunk} is not a multiple of 4`, { param: '--chunk' })
  return {
    window,
    shares: choice(values.shares ?? 'yes', ['yes', 'no'] as const, '--shares') === 'yes',
    kv: values.kv === undefined ? undefined : choice(values.kv, ['f32', 'q8'] as const, '--kv'),
    chunk,
    context:
      values.context === undefined ? undefined : wholeNumber(values.context, '--context', SMALLEST_CONTEXT),
  }
}

async function openReader(name: string, { window, kv, chunk, context }: Run): Promise<Reader> {
  const opened = await openTextModel(name, {})
  const { manifest, source, tokenizerBytes } = opened
  const chosen = context ?? Math.min(512, manifest.spec.context)
  const kind = kv ?? localKv(manifest)
  const model = await loadModel(manifest, source, {
    window,
    chunk,
    logitRows: chunk,
    kv: kind,
    maxPositions: chosen,
    kernels: nodeKernels(),
  })
  return {
    id: manifest.id,
    opened,
    model,
    kv: kind,
    tokenizer: readTokenizer(tokenizerBytes),
    context: chosen,
  }
}

async function sharesBeside(
  own: Reader,
  other: Reader,
  ids: readonly number[],
  context: number,
  { window, chunk }: Run,
): Promise<Share[]> {
  const bar = progressBar('finding shares', process.stderr, (done, total) => `${done} of ${total} runs`)
  const shares = await sharesOf(own.opened, other.opened, scoredTexts(ids, { context, bos: bosOf(own) }), {
    window,
    chunk,
    maxPositions: context,
    kv: own.kv,
    otherKv: other.kv,
    onProgress: bar.update,
  })
  bar.finish()
  return shares
}

/** The text's ids as a prompt would have them: BOS in front where the model wants it. */
function idsOf(reader: Reader, text: string, limit: number): number[] {
  const bos = bosOf(reader)
  const ids = reader.tokenizer.encode(text)
  return (bos === undefined ? ids : [bos, ...ids]).slice(0, limit)
}

function bosOf({ tokenizer }: Reader): number | undefined {
  return tokenizer.addBos ? tokenizer.bosId : undefined
}

/** Distributions can be compared where ids mean the same. */
function checkAlike(own: Reader, other: Reader, ids: readonly number[], otherIds: readonly number[]): void {
  const alike =
    own.model.spec.vocab === other.model.spec.vocab &&
    ids.length === otherIds.length &&
    ids.every((id, i) => id === otherIds[i])
  if (alike) return
  throw new IsletError(
    'invalid_request',
    `${other.id} makes other tokens of this text than ${own.id}: --against takes a model of the same tokenizer`,
    { param: '--against' },
  )
}

type Likelihood = {
  model: string
  kv: KvKind
  nats_per_token: number
  standard_error: number
  perplexity: number
  bits_per_byte: number
}

type Report = Likelihood & {
  context: number
  chunks: number
  tokens: number
  bytes: number
  window: number | null
  sinks: number
  against?: Likelihood & {
    mean_kl: number
    mean_kl_error: number
    same_top: number
    difference: number
    difference_error: number
    shares?: Share[]
  }
}

type Facts = {
  own: Reader
  other: Reader | undefined
  context: number
  bytes: number
  window: WindowOptions
  shares: Share[] | undefined
}

/** Every figure by its name in the JSON. */
function reportOf(score: TextScore, { own, other, context, bytes, window, shares }: Facts): Report {
  const likelihood = ({ id, kv }: Reader, nats: Mean): Likelihood => ({
    model: id,
    kv,
    nats_per_token: nats.mean,
    standard_error: nats.error,
    perplexity: exp(nats.mean),
    bits_per_byte: (nats.mean * score.tokens) / log(2) / bytes,
  })
  const report: Report = {
    ...likelihood(own, score.nats),
    context,
    chunks: score.chunks,
    tokens: score.tokens,
    bytes,
    window: window.window ?? null,
    sinks: window.sinks,
  }
  if (other === undefined || score.against === undefined) return report
  const { nats, kl, sameTop, difference } = score.against
  return {
    ...report,
    against: {
      ...likelihood(other, nats),
      mean_kl: kl.mean,
      mean_kl_error: kl.error,
      same_top: sameTop,
      difference: difference.mean,
      difference_error: difference.error,
      ...(shares && { shares }),
    },
  }
}

function textOf(report: Report): string {
  const { tokens, bytes, chunks, context, against } = report
  const lines = [
    likelihoodLine(report),
    `  over ${tokens} tokens, ${bytes} bytes: the second half of ${chunks} chunks of ${context}`,
  ]
  if (against !== undefined) {
    const sign = against.difference < 0 ? '' : '+'
    lines.push(
      `against ${likelihoodLine(against)}`,
      `  mean KL ${against.mean_kl.toFixed(6)} +- ${against.mean_kl_error.toFixed(6)}, ` +
        `same likeliest token ${(against.same_top * 100).toFixed(2)} %, ` +
        `${sign}${against.difference.toFixed(5)} +- ${against.difference_error.toFixed(5)} nats a token`,
      ...(against.shares ?? []).map(
        ({ kind, part, kl }) => `  ${`${kind}, ${part}`.padEnd(24)} ${kl.toFixed(6)}`,
      ),
    )
  }
  return `${lines.join('\n')}\n`
}

function likelihoodLine({ model, perplexity, nats_per_token, standard_error, bits_per_byte }: Likelihood) {
  return (
    `${model}: perplexity ${perplexity.toFixed(4)}, ` +
    `${nats_per_token.toFixed(5)} +- ${standard_error.toFixed(5)} nats a token, ${bits_per_byte.toFixed(5)} bits a byte`
  )
}
