// Metered lanes tell of each generation, once it has ended, what it came to: never its text, nor whose it is.

import { errorCode } from '../../lib/errors.ts'
import type { GenerationEvent, Json } from '../../protocol/generation.ts'
import type { Lanes } from '../../protocol/lanes.ts'
import { Meter, type Tally } from '../../protocol/tally.ts'
import { kindOf } from '../dialects/reply.ts'

/** One generation, read for the first time or again. */
export type GenerationLine = Tally & {
  call: 'generate' | 'resume' | 'score'
  /** The dialect of its reply, where it has one. */
  kind?: Json
  background?: true
  model?: string
}

/** The same lanes; `tell` is called once for each generation that they were asked for. */
export function meteredLanes(lanes: Lanes, now: () => number, tell: (line: GenerationLine) => void): Lanes {
  type Call = Pick<GenerationLine, 'call' | 'kind' | 'background' | 'model'>
  function metered(events: AsyncIterable<GenerationEvent>, call: Call): AsyncIterable<GenerationEvent> {
    return { [Symbol.asyncIterator]: () => meteredEvents(events[Symbol.asyncIterator](), call) }
  }

  /** By hand, since `return` must act while a `next` is waiting. */
  function meteredEvents(events: AsyncIterator<GenerationEvent>, call: Call): AsyncIterator<GenerationEvent> {
    const meter = new Meter(now)
    // Which of its tokens are new, the lane alone knows.
    if (call.call === 'resume') meter.told(Infinity, 'repeated')
    const end = (code?: string): void => {
      const tally = meter.end(code)
      if (tally !== undefined) tell({ ...call, ...tally })
    }
    return {
      async next() {
        try {
          const result = await events.next()
          if (result.done === true) end('engine_failure')
          else if (meter.see(result.value)) end()
          return result
        } catch (error) {
          end(errorCode(error))
          throw error
        }
      },
      async return() {
        end()
        return (await events.return?.()) ?? { done: true, value: undefined }
      },
    }
  }

  return {
    ...lanes,
    generate: (request) =>
      metered(lanes.generate(request), {
        call: 'generate',
        kind: kindOf(request.reply),
        model: request.model,
        ...(request.background && { background: true }),
      }),
    resume: (tenant, id) => metered(lanes.resume(tenant, id), { call: 'resume' }),
    score: (request) => metered(lanes.score(request), { call: 'score' }),
  }
}
