// This script cuts the committed goldens from the full set: whole checkpoints, and a few rows of their logits.
//
//   node test/golden/cut.ts [NAME...]     every family, or some, of ../shared/golden (ISLET_GOLDEN names another place)
//
// Weights are random and our own. The same full set gives the same bytes.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CUT, GOLDEN, readTensors, type GoldenTensor } from '../helpers/golden.ts'
import type { Case, WindowCase } from '../helpers/golden-run.ts'

/** Depths of real checkpoints, 0.7 to 2 MB each: their families are there in fewer layers. */
export const LEFT_OUT = ['baichuan1-13b-40l', 'baichuan2-7b-32l', 'chatglm1-28l']

/** One file for each architecture of GGUF, and what differs inside one: a Q8_0, ALiBi beside RoPE. */
const GGUF: Readonly<Record<string, readonly string[]>> = {
  llama2: ['model-q8_0.gguf'],
  'baichuan1-7b': ['model-q4_0.gguf'],
  'baichuan2-13b': ['model-q4_0.gguf'],
  chatglm2: ['model-q4_0.gguf'],
  qwen1: ['model-q4_0.gguf'],
  qwen2: ['model-q4_0.gguf'],
  qwen3: ['model-q4_0.gguf'],
  gemma3: ['model-q4_0.gguf'],
}

const WHOLE = ['config.json', 'model.safetensors', 'tokenizer.model', 'qwen.tiktoken']

/** Rows that are kept of a case: the first, the last, and some between. */
const ROWS = 3
const WINDOW_ROWS = 6

export type Files = Map<string, Buffer>

/** The files of a family's cut folder, by name. */
export function cutFamily(folder: string, family: string): Files {
  const files: Files = new Map()
  const whole = [...WHOLE, ...(GGUF[family] ?? [])].filter((name) => existsSync(`${folder}/${name}`))
  for (const name of whole) files.set(name, readFileSync(`${folder}/${name}`))
  const {
    cases,
    hidden_states: _,
    ...about
  } = readJson<{ cases: Case[]; hidden_states?: unknown }>(`${folder}/cases.json`)
  const kept = cases
    .map((each) => ({ ...each, files: each.files.filter((name) => files.has(name)) }))
    .filter((each, i) => each.files.length > 0 || isRounded(cases[i]))
  cutCases(files, kept, about, 'cases.json', readTensors(`${folder}/logits.safetensors`), ROWS)
  if (existsSync(`${folder}/window.json`)) {
    const { cases: windows, ...rule } = readJson<{ cases: WindowCase[] }>(`${folder}/window.json`)
    cutCases(files, windows, rule, 'window.json', readTensors(`${folder}/window.safetensors`), WINDOW_ROWS)
  }
  return files
}

/** The families of a full set that have a place in the cut one. */
export function familiesToCut(full: string): string[] {
  return readdirSync(`${full}/open`)
    .filter((family) => !LEFT_OUT.includes(family))
    .sort()
}

/** A case without a file: the checkpoint is packed as INT8 for it. */
function isRounded({ files, weights }: Case): boolean {
  return files.length === 0 && weights === 'q8_0 dequantised'
}

function cutCases(
  files: Files,
  cases: (Case | WindowCase)[],
  about: object,
  name: string,
  logits: Map<string, GoldenTensor>,
  count: number,
): void {
  const tensors = new Map<string, GoldenTensor>()
  const cut = cases.map((each) => {
    const full = logits.get(each.expect.tensor)!
    const [length, vocab] = full.shape
    const picked = spread(length, count)
    const values = picked.flatMap((i) => [...full.values.subarray(i * vocab, (i + 1) * vocab)])
    tensors.set(each.id, { shape: [picked.length, vocab], values: Float32Array.from(values) })
    return {
      ...essence(each),
      rows: picked.map((i) => (Array.isArray(each.rows) ? each.rows[i] : i)),
      expect: { tensor: each.id, shape: [picked.length, vocab] },
    }
  })
  const lines = cut.map((each) => `    ${JSON.stringify(each)}`).join(',\n')
  const head = JSON.stringify({ ...about, cases: 0 }, undefined, 2).replace(/0\n\}$/, '')
  files.set(name, Buffer.from(`${head}[\n${lines}\n  ]\n}\n`))
  const binary = name === 'cases.json' ? 'logits.safetensors' : name.replace('.json', '.safetensors')
  files.set(binary, safetensors(tensors))
}

/** The fields that tests read. */
function essence(each: Case | WindowCase): object {
  if ('window' in each) {
    const { id, sinks, window, input_ids } = each
    return { id, sinks, window, input_ids }
  }
  const { id, mode, files, input_ids, feed, weights } = each
  return { id, mode, files, input_ids, feed, weights }
}

/** Up to `count` of `length` indices, evenly from the first to the last. */
function spread(length: number, count: number): number[] {
  const steps = Math.min(count, length) - 1
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * (length - 1)) / Math.max(steps, 1)))
}

function safetensors(tensors: Map<string, GoldenTensor>): Buffer {
  const header: Record<string, unknown> = {}
  let end = 0
  for (const [name, { shape, values }] of tensors)
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += values.byteLength)] }
  const text = JSON.stringify(header)
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  const data = [...tensors.values()].map(({ values }) => new Uint8Array(values.buffer))
  return Buffer.concat([length, padded, ...data])
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

function write(folder: string, files: Files): void {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(`${folder}/${name}`), { recursive: true })
    writeFileSync(`${folder}/${name}`, bytes)
  }
}

function main(names: string[]): number {
  if (!existsSync(`${GOLDEN}/open`)) {
    process.stderr.write(
      `islet: no full set at ${GOLDEN}: ISLET_GOLDEN names the folder that has open/NAME\n`,
    )
    return 1
  }
  for (const family of names.length > 0 ? names : familiesToCut(GOLDEN)) {
    const files = cutFamily(`${GOLDEN}/open/${family}`, family)
    rmSync(`${CUT}/${family}`, { recursive: true, force: true })
    write(`${CUT}/${family}`, files)
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
    process.stdout.write(`${family.padEnd(16)}${String(files.size).padStart(3)} files ${bytes} bytes\n`)
  }
  return 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2))
