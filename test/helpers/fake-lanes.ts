// Lanes over objects that do what a test lists: they answer, fail, are reset, or hang.

import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import type { CallName, LaneStub } from '../../src/protocol/calls.ts'
import { createLanes, type LaneOptions, type ModelLanes } from '../../src/routing/client.ts'
import type { Region } from '../../src/protocol/ids.ts'
import { encodeEvent } from '../../src/protocol/wire.ts'

type Stream = ReadableStream<Uint8Array>

/** One use of a stub. */
export type StubCall = {
  object: string
  region: Region | undefined
  method: CallName
  args: unknown[]
}

/** A stream of events that ends, or fails with `then`. */
export function streamOf(events: GenerationEvent[], then?: Error): Stream {
  const queue = [...events]
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const event = queue.shift()
        if (event !== undefined) controller.enqueue(encodeEvent(event))
        else if (then !== undefined) controller.error(then)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

export type Fakes = {
  lanes: ModelLanes
  calls: StubCall[]
  /** Names of the objects whose `method` was called, in order. */
  objectsOf(method: CallName): string[]
  /** Requests that objects were sent. */
  requests(): GenerateRequest[]
}

/** `streams` are the answers of generate, resume, score and tokens, in the order of their calls; `methods` answer the others. */
export function fakeLanes(
  streams: (() => Stream)[],
  options: Partial<LaneOptions> = {},
  methods: Partial<{ [name in CallName]: (object: string, ...args: unknown[]) => unknown }> = {},
): Fakes {
  const calls: StubCall[] = []
  function stubOf(object: string, region: Region | undefined): LaneStub {
    const method =
      (name: CallName) =>
      async (...args: unknown[]): Promise<unknown> => {
        calls.push({ object, region, method: name, args })
        const own = methods[name]
        if (own !== undefined) return own(object, ...args)
        if (name === 'memoryReset') return undefined
        const streamed: CallName[] = ['generate', 'resume', 'score', 'tokens']
        const next = streamed.includes(name) ? streams.shift() : undefined
        if (next === undefined) throw new Error(`nothing listed for ${name}`)
        return next()
      }
    return new Proxy({} as LaneStub, { get: (_, name) => method(name as CallName) })
  }
  const lanes = createLanes(stubOf, {
    lanes: 1,
    regions: [],
    region: undefined,
    model: 'm',
    log: () => undefined,
    ...options,
  })
  return {
    lanes,
    calls,
    objectsOf: (name) => calls.filter(({ method }) => method === name).map(({ object }) => object),
    requests: () =>
      calls.filter(({ method }) => method === 'generate').map(({ args }) => args[0] as GenerateRequest),
  }
}

/** All events, to the end. */
export async function readAll(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const seen: GenerationEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}

/** The events that came before an error, and the error. */
export async function readUntilThrow(
  events: AsyncIterable<GenerationEvent>,
): Promise<{ seen: GenerationEvent[]; error: unknown }> {
  const seen: GenerationEvent[] = []
  try {
    for await (const event of events) seen.push(event)
  } catch (error) {
    return { seen, error }
  }
  return { seen, error: undefined }
}
