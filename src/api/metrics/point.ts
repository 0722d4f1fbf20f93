// A point of Analytics Engine holds the figures of one generation, for queries over all of them.

import type { GenerationLine } from './metered-lanes.ts'

/** The columns are documented (docs/operating.md): new ones go to the end. */
export function pointOf(line: GenerationLine): { indexes: string[]; blobs: string[]; doubles: number[] } {
  const { call, kind, model = '', reason, code = '', background = false } = line
  const { promptTokens, cachedTokens, completionTokens, waitMs, promptMs, answerMs } = line
  return {
    indexes: [model],
    blobs: [call, typeof kind === 'string' ? kind : '', model, reason, code, background ? 'background' : ''],
    doubles: [promptTokens, cachedTokens, completionTokens, waitMs, promptMs, answerMs],
  }
}
