// The mock lane is a lane on the mock model: all of src/lane but Cloudflare.

import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { Lane, type LaneConfig, type LaneParts, type LaneStorage } from '../../src/lane/lane.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { byteTokenizer } from './byte-tokenizer.ts'
import { MOCK_SPEC, MockModel, type MockOptions } from './mock-model.ts'
import { nodeSql } from './node-sql.ts'

export const CONFIG: LaneConfig = {
  model: 'mock',
  windows: [0],
  sinks: 4,
  chunk: 16,
  maxPrompt: 300,
  queue: 64,
  kvBudget: 0,
  lifetimes: { pages: 3_600_000, sessions: 86_400_000, turns: 2_592_000_000 },
  budget: { tenantBytes: 1e9, tenantSessions: 10_000, laneBytes: 8e9 },
}

const TEMPLATE = '{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}<assistant>'

export function mockManifest(): Manifest {
  return {
    format: 'islet',
    version: 2,
    id: 'mock',
    spec: MOCK_SPEC,
    tensors: [],
    shards: [],
    tokenizer: { file: 'tokenizer.bin', length: 0, sha256: '' },
    chat: { kind: 'jinja', template: TEMPLATE },
    float: true,
    hash: '',
  }
}

export type MockLane = {
  lane: Lane
  models: MockModel[]
  windows: WindowOptions[]
  logged: Record<string, unknown>[]
}

/** `endIds`: ids that end an answer. `parts` replaces pieces of the lane. */
export function mockLane(
  options: {
    model?: MockOptions
    config?: Partial<LaneConfig>
    endIds?: number[]
    parts?: Partial<LaneParts>
  } = {},
): MockLane {
  const models: MockModel[] = []
  const windows: WindowOptions[] = []
  const logged: Record<string, unknown>[] = []
  const config = { ...CONFIG, ...options.config }
  const lane = new Lane({
    config,
    isolate: new Isolate(),
    clock: { now: () => performance.now(), wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    storage: laneStorage(),
    readText: async () => ({ manifest: mockManifest(), tokenizer: byteTokenizer(options.endIds) }),
    readModel: async (_text, window) => {
      windows.push(window)
      const model = new MockModel({ window, maxRows: config.chunk, ...options.model })
      models.push(model)
      return model
    },
    readPrefix: () => Promise.resolve(undefined),
    log: (entry) => void logged.push(entry),
    ...options.parts,
  })
  return { lane, models, windows, logged }
}

let storages = 0

/** Storage that one lane after the other may have. `onExec` sees each statement first, and may throw. */
export function laneStorage(onExec?: (query: string) => void): LaneStorage & { wakes: number[] } {
  let ids = 0
  const wakes: number[] = []
  return {
    id: `lane-${++storages}`,
    sql: nodeSql(onExec),
    newId: () => `r${++ids}`,
    wakeAt: (time) => void wakes.push(time),
    wakes,
  }
}

/** A lane with that storage. */
export function laneOn(kept: LaneStorage, options: Parameters<typeof mockLane>[0] = {}): MockLane {
  return mockLane({ ...options, parts: { ...options.parts, storage: kept } })
}

export async function ask(lane: Lane, request: GenerateRequest): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(request))) events.push(event)
  return events
}

type OfType<T extends GenerationEvent['type']> = GenerationEvent & { type: T }

export function eventsOf<T extends GenerationEvent['type']>(
  events: readonly GenerationEvent[],
  type: T,
): OfType<T>[] {
  return events.filter((event): event is OfType<T> => event.type === type)
}

export const idsOf = (events: readonly GenerationEvent[]): number[] =>
  eventsOf(events, 'text').flatMap(({ ids }) => ids)
export const textOf = (events: readonly GenerationEvent[]): string =>
  eventsOf(events, 'text')
    .map(({ text }) => text)
    .join('')

/** Options of a model that traps as soon as it is told to, once; the next engine's goes on. */
export function trapOnce(): { onForward: () => void; arm: () => void } {
  let armed = false
  return {
    arm: () => void (armed = true),
    onForward() {
      if (!armed) return
      armed = false
      throw new WebAssembly.RuntimeError('memory access out of bounds')
    },
  }
}
