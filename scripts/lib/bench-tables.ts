// Tables out of bench/results/*.json, which `npm run bench` writes. A result that is not there says how to get it.

import { existsSync, readFileSync } from 'node:fs'
import { type Machine, median } from '../../bench/lib/results.ts'
import { table } from './markdown.ts'

/** Above this one-minute load something else was working when a run began. */
const QUIET = 0.5

type Result = { model: string; machine: Machine }

type Speed = Result & {
  table: { case: string; ours: number; llama: number; ratio: number }[]
  llama: { release: string; backend: string; threads: number[]; kv: string }
}

type Cold = Result & { prompt: number; ratio: number; firstToken: number[]; streaming: number[] }

type Warm = Result & { ratio: number; turns: { seconds: number; newTokens: number }[]; alone: number[] }

type Memory = Result & {
  limit: number
  peak: number
  linear: number
  heap: { usedSize: number; embedderHeapUsedSize: number; backingStorageSize: number }
}

/** Block by name, out of the results in `folder`. */
export function benchBlocks(folder: string): [name: string, text: string][] {
  const block = <T extends Result>(mode: string, words: (result: T) => string): string => {
    const file = `${folder}/${mode}.json`
    const command = mode === 'speed' ? 'npm run bench' : `npm run bench -- ${mode}`
    if (!existsSync(file)) return `Nothing is committed here yet: \`${command}\` measures it.`
    const result = JSON.parse(readFileSync(file, 'utf8')) as T
    return `${words(result)}\n\n${provenance(result, mode !== 'memory')}`
  }
  return [
    ['speed', block('speed', speed)],
    ['cold', block('cold', cold)],
    ['warm', block('warm', warm)],
    ['measured-memory', block('memory', memory)],
  ]
}

function speed({ table: rows, llama, model }: Speed): string {
  const cells = rows.map((row) => [
    caseText(row.case),
    row.ours.toFixed(1),
    row.llama.toFixed(1),
    row.ratio.toFixed(2),
  ])
  return [
    table([`tokens a second, ${model}`, 'Islet', 'llama.cpp', 'ratio'], cells),
    '',
    `llama.cpp ${llama.release} (${llama.backend}), the same file, ${llama.threads[0]} thread, KV ${llama.kv}. Ours goes through HTTP, the`,
    'router, the lane and the stream; llama.cpp is called in its own process.',
  ].join('\n')
}

/** `decode:64@256` in words. */
function caseText(name: string): string {
  const [kind, sizes] = name.split(':')
  const [count, prompt] = sizes.split('@')
  return kind === 'prefill' ? `prefill, ${count} tokens` : `decode, ${count} tokens after ${prompt}`
}

function cold({ prompt, ratio, firstToken, streaming }: Cold): string {
  const cells = [
    [`first token of a cold object, ${prompt} tokens of prompt`, median(firstToken).toFixed(2)],
    ['the same bytes from the assets into linear memory, and nothing else', median(streaming).toFixed(2)],
  ]
  return `${table(['seconds, medians', ''], cells)}\n\nRatio ${ratio.toFixed(2)}, over ${firstToken.length} rounds.`
}

function warm({ ratio, turns, alone }: Warm): string {
  const cells = [
    [
      `first token of a second turn, ${turns[0].newTokens} new tokens`,
      milliseconds(turns.map(({ seconds }) => seconds)),
    ],
    ['prefill of as many fresh tokens alone', milliseconds(alone)],
  ]
  return `${table(['milliseconds, medians', ''], cells)}\n\nRatio ${ratio.toFixed(2)}, over ${turns.length} rounds.`
}

function milliseconds(seconds: readonly number[]): string {
  return (median(seconds) * 1e3).toFixed(1)
}

function memory({ linear, heap, peak, limit }: Memory): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const cells = [
    ['linear memory', megabytes(linear)],
    ['JavaScript heap', megabytes(heap.usedSize)],
    ["the host's objects", megabytes(heap.embedderHeapUsedSize)],
    ['array buffers', megabytes(heap.backingStorageSize)],
    ['**the isolate at its peak**', `**${megabytes(peak)}**`],
  ]
  const verdict = peak <= limit ? 'within' : '**above**'
  return `${table(['measured, MB', ''], cells)}\n\nThat is ${verdict} the limit of ${megabytes(limit)} MB, above which the benchmark fails.`
}

/** Where a result comes from; another load makes times longer, and changes no size. */
function provenance({ machine }: Result, isTime: boolean): string {
  const { cpu, cores, node, workerd, commit, load } = machine
  const tree = commit.endsWith('+') ? `${commit.slice(0, 7)} with changes` : commit.slice(0, 7)
  const busy =
    isTime && load > QUIET
      ? ` The machine was not idle (load ${load.toFixed(1)}), so this may be slower than it is.`
      : ''
  return `Measured on ${cpu}, ${cores} cores, Node ${node.replace('v', '')}, workerd ${workerd}, commit ${tree}.${busy}`
}
