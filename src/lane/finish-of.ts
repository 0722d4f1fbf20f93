// A finish says why an answer ended, what it used, and what its window hid.

import type { Answer } from '../answer/answer.ts'
import { outOfSight, type WindowOptions } from '../cache/window.ts'
import type { FinishReason, GenerationEvent } from '../protocol/generation.ts'
import type { Choice } from '../storage/turn-record.ts'

/** The end of an answer as it stands; `stopped`: by the platform, and it can be read on. */
export function finishOf(
  record: Choice,
  answer: Answer,
  reason: FinishReason,
  options: WindowOptions,
  stopped = false,
): GenerationEvent & { type: 'finish' } {
  const logitsHash = answer.logitsHash()
  const promptTokens = record.prompt.ids.length
  const completionTokens = record.generated.length
  return {
    type: 'finish',
    reason: answer.finishReason(reason),
    usage: { promptTokens, cachedTokens: record.cachedTokens ?? 0, completionTokens },
    // The last id was chosen, not run: the query that chose it stood one position before.
    window: {
      window: options.window,
      sinks: options.sinks,
      outOfSight: outOfSight(Math.max(0, promptTokens + completionTokens - 2), options),
    },
    ...(logitsHash !== undefined && { logitsHash }),
    ...(stopped && { stopped: 'cpu_limit' as const }),
    ...(answer.stopString !== undefined && { stopString: answer.stopString }),
    ...(answer.closedEarly && { closedEarly: true as const }),
    ...(answer.ignored.length > 0 && { ignored: [...answer.ignored] }),
  }
}
