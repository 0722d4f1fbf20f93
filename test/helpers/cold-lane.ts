// A cold lane is one on the embedded model whose weights come over a link of the test's own.

import { expect } from 'vitest'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import type { LaneConfig, LaneParts, LaneStorage } from '../../src/lane/lane.ts'
import { LOGIT_ROWS, poolPages } from '../../src/lane/memory-plan.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import type { ByteSource } from '../../src/weights/source.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { ask, eventsOf, idsOf, mockLane, type MockLane } from './mock-lane.ts'
import { TINY_FOLDER } from './real-model.ts'
import { request } from './request.ts'

export const PIECE = 32 * 1024
export const WEIGHTS = 'weights-000.bin'

export const files = fileSource(TINY_FOLDER)
const weights = new Uint8Array(await new Response(await files.open(WEIGHTS)).arrayBuffer())
export const { manifest, tokenizer } = await readModelText(files)
/** Where the first of those bytes of layer 2 lies. */
export const wrong = manifest.tensors.find(({ name }) => name === 'layers.2.down')?.offset ?? NaN

/** A link that gives a piece of weights each 2 ms; `damaged`: how often a byte of layer 2 is wrong; `hold`: from that piece on nothing comes. */
type Link = { damaged?: number; hold?: number; onPiece?: (piece: number) => void | Promise<void> }

/** `opened` counts how often the weights were asked for. */
function slowSource(
  { damaged = 0, hold = Infinity, onPiece = () => undefined }: Link,
  opened: { times: number },
) {
  const source: ByteSource = {
    async open() {
      const bytes = weights.slice()
      if (++opened.times <= damaged) bytes[wrong] ^= 0x55
      let piece = 0
      return new ReadableStream({
        async pull(controller) {
          await onPiece(piece)
          await new Promise((resolve) => setTimeout(resolve, 2))
          if (piece >= hold) await new Promise(() => undefined)
          controller.enqueue(bytes.slice(piece * PIECE, ++piece * PIECE))
          if (piece * PIECE >= bytes.length) controller.close()
        },
      })
    },
  }
  return source
}

export type Ran = [rows: number, logits: number]

/**
 * A lane on the embedded model, whose load takes prompts ahead unless its weights are there at once. `ran`: the steps of its engine
 * behind the weights; `ahead`: rows that went ahead; `opened`: how often the weights were asked for.
 */
export function cold(
  link: Link | 'at once',
  options: {
    storage?: LaneStorage
    isolate?: Isolate
    config?: Partial<LaneConfig>
    readPrefix?: LaneParts['readPrefix']
    clockRate?: number
    /** Its load waits for it before it makes memory. */
    before?: Promise<void>
  } = {},
) {
  const opened = { times: 0 }
  const source = link === 'at once' ? files : slowSource(link, opened)
  const isolate = options.isolate ?? new Isolate()
  const ran: Ran[] = []
  const ahead: number[] = []
  const made: MockLane = mockLane({
    config: { model: 'tiny', ...options.config },
    parts: {
      isolate,
      ...(options.storage && { storage: options.storage }),
      // So slow that what is left of the weights is always worth the wait.
      clock: {
        now: () => (options.clockRate ?? 100) * performance.now(),
        wait: (ms) => new Promise((done) => setTimeout(done, ms)),
      },
      ...(options.readPrefix && { readPrefix: options.readPrefix }),
      readText: () => Promise.resolve({ manifest, tokenizer }),
      async readModel(_, window, onProgress, onArrival) {
        await options.before
        const sizes = { window, chunk: 16, logitRows: LOGIT_ROWS }
        const pages = poolPages(planMemory(manifest.spec, weightBytes(manifest), sizes), 0)
        const stage = await loadModel(manifest, source, {
          ...sizes,
          pages,
          kernels: nodeKernels('quads'),
          onProgress,
          ...(link !== 'at once' && {
            onArrival(arriving) {
              const layered = arriving.layered.bind(arriving)
              arriving.layered = (rows, spare) => {
                ahead.push(rows.length)
                return layered(rows, spare)
              }
              return onArrival(arriving)
            },
          }),
        })
        const run = stage.run.bind(stage)
        stage.run = (rows, stream) => {
          ran.push([rows.length, rows.filter(({ yields }) => yields === 'logits').length])
          return run(rows, stream)
        }
        return stage
      },
    },
  })
  return { ...made, isolate, ran, ahead, opened }
}

export const LONG =
  'The keeper climbs the steps each evening, trims the lamp and writes the weather into a book. A storm comes from the sea, and the bell rings every half minute until the fog is gone. '

let sessions = 0
export const asked = (text: string, changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    model: 'tiny',
    requestId: `r${++sessions}`,
    sessionKey: `s${sessions}`,
    prompt: { kind: 'text', text },
    maxTokens: 4,
    ignoreEos: true,
    hashLogits: true,
    ...changes,
  })

/** What an answer says of its bits, and of what was there before. */
export function saidOf(events: readonly GenerationEvent[]) {
  const [start] = eventsOf(events, 'start')
  const [finish] = eventsOf(events, 'finish')
  expect(finish?.logitsHash, JSON.stringify(events.at(-1))).toMatch(/^[0-9a-f]{64}$/)
  return { ids: idsOf(events), hash: finish.logitsHash, start }
}

/** The same answer from an object that runs nothing ahead. */
export const plainly = async (order: GenerateRequest, options: Parameters<typeof cold>[1] = {}) => {
  const plain = cold('at once', options)
  const said = saidOf(await ask(plain.lane, { ...order, requestId: 'plain' }))
  expect(plain.ahead).toEqual([])
  return said
}
