// This module computes the tables of docs/dialogue.md: positions of KV in a megabyte, and how long 6 GB last.

import { kvLayerBytes, servedKv } from '../../src/graph/buffers.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { listedModel } from './families.ts'
import { attentionName } from './family-tables.ts'
import { table } from '../../tools/markdown.ts'

const MODELS = [
  'llama-7b',
  'llama2-70b',
  'chatglm-6b',
  'chatglm2-6b',
  'qwen-7b',
  'qwen2.5-0.5b',
  'qwen3-0.6b',
  'smollm2-135m',
  'gemma3-1b',
]
const BITS = [16, 8, 4]

/** Memory that the claim speaks of, bytes. */
const MEMORY = 6e9

/**
 * What the authors of ChatGLM2-6B report of INT4 weights (README of THUDM/ChatGLM2-6B): the first generation runs out of 6 GB after
 * `first` tokens; the second makes `second` of them in `secondBytes`.
 */
const REPORTED = { first: 1119, second: 8192, secondBytes: 5.1e9 }

/** Block by name. */
export function dialogueBlocks(): [name: string, text: string][] {
  return [
    ['kv-positions', positionsTable()],
    ['kv-dialogue', dialogueTable()],
    ['kv-eight', eightText()],
  ]
}

/** Bytes of a position's keys and values in all layers. */
export function positionBytes({ layers, kvHeads, headDim }: ModelSpec, bits: number): number {
  return (2 * layers * kvHeads * headDim * bits) / 8
}

function positionsTable(): string {
  const perMegabyte = (bytes: number): string => (1e6 / bytes).toFixed(1)
  const rows = MODELS.map((config) => {
    const { spec } = listedModel(config)
    const own = ownBytes(config)
    return [
      config,
      `${attentionName(spec)}, ${spec.heads} on ${spec.kvHeads}`,
      String(positionBytes(spec, 16)),
      ...BITS.map((bits) => perMegabyte(positionBytes(spec, bits))),
      `${own} (${servedKv(spec) === 'q8' ? 'INT8' : 'f32'})`,
      perMegabyte(own),
    ]
  })
  const bits = BITS.map((each) => `${each} bits`)
  return table(['', 'heads', 'bytes, 16 bits', ...bits, 'ours, bytes', 'ours'], rows, 2)
}

/**
 * Weights with every matrix of the layers at 4 or 16 bits and all else at 16, as the authors' own `quantize` does. ChatGLM-6B's head
 * counts once with its embedding: transformers ties the two there, and its "6.2 billion" counts them so.
 */
function weightBytes(config: string, bits: number): number {
  const { tensors } = listedModel(config)
  const shared = config === 'chatglm-6b'
  return tensors
    .filter(({ name }) => !(shared && name === 'head'))
    .reduce((sum, { name, rows, cols }) => {
      const matrix = rows > 1 && name.startsWith('layers.')
      // A scale of 16 bits for each row.
      return sum + (matrix ? (rows * cols * bits) / 8 + (bits < 16 ? 2 * rows : 0) : 2 * rows * cols)
    }, 0)
}

const PAIR = ['chatglm-6b', 'chatglm2-6b'] as const

function room(config: string, weights: number, kv: number): number {
  const { spec } = listedModel(config)
  return (MEMORY - weightBytes(config, weights)) / positionBytes(spec, kv)
}

function dialogueTable(): string {
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2)
  const [first, second] = PAIR
  const rows = [
    [16, 16],
    [4, 16],
    [4, 8],
    [4, 4],
  ].map(([weights, kv]) => {
    const lengths = PAIR.map((config) => room(config, weights, kv))
    const fits = lengths.every((length) => length > 0)
    return [
      `weights ${weights} bits, KV ${kv} bits`,
      gigabytes(weightBytes(first, weights)),
      gigabytes(weightBytes(second, weights)),
      ...lengths.map((length) => (length > 0 ? length.toFixed(0) : 'no room for the weights')),
      fits ? (lengths[1] / lengths[0]).toFixed(1) : '-',
    ]
  })
  return table(['', `${first}, weights in GB`, second, `${first}, positions in 6 GB`, second, 'ratio'], rows)
}

function eightText(): string {
  const [first, second] = PAIR.map((config) => ({
    weights: weightBytes(config, 4),
    position: positionBytes(listedModel(config).spec, 16),
  }))
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
  const rest = {
    first: MEMORY - first.weights - REPORTED.first * first.position,
    second: REPORTED.secondBytes - second.weights - REPORTED.second * second.position,
  }
  const reach = (MEMORY - second.weights - rest.second) / second.position
  return [
    `- **MQA**: ${first.position} bytes of KV a position become ${second.position}, a factor of ${first.position / second.position} at equal bits (32 KV heads of 128 become 2).`,
    `- **Bits of the KV cache**: none. Both keep it at 16; 8 or 4 bits would be another factor of 2 or 4, for either model.`,
    `- **Bits of the weights**: they make room for a dialogue at all. At INT4 ${gigabytes(first.weights)} and ${gigabytes(second.weights)} of the 6 are weights, so`,
    `  nearly the same is left, and the ratio stays near ${first.position / second.position}: ${(room(PAIR[1], 4, 16) / room(PAIR[0], 4, 16)).toFixed(1)}.`,
    `- **What is neither**: the first generation is reported to end at ${REPORTED.first} tokens, which are ${gigabytes(REPORTED.first * first.position)} of KV: ${gigabytes(rest.first)} of the 6 must be`,
    `  something else. The second is reported to make ${REPORTED.second} tokens in ${gigabytes(REPORTED.secondBytes)}: ${gigabytes(REPORTED.second * second.position)} of KV and ${gigabytes(rest.second)} of something else. With`,
    `  that, 6 GB would end near ${Math.floor(reach / 1000)} thousand tokens, ${Math.round(reach / REPORTED.first)} times the first's.`,
    `- **Here** the second's cache in INT8 pages takes ${ownBytes(PAIR[1])} bytes a position, ${(first.position / ownBytes(PAIR[1])).toFixed(0)} times less than the first's in 16 bits:`,
    `  ${first.position / second.position} by MQA, ${(second.position / ownBytes(PAIR[1])).toFixed(2)} by bits.`,
  ].join('\n')
}

/** Bytes of a position in our pages. */
function ownBytes(config: string): number {
  const { spec } = listedModel(config)
  return (kvLayerBytes(spec, servedKv(spec)) * spec.layers) / PAGE_POSITIONS
}
