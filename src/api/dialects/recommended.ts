// Recommended sampling is what a packed model carries for fields that a request leaves out.

import type { Recommended } from '../../protocol/lane-reports.ts'
import type { SamplingOptions } from '../../protocol/generation.ts'
import { BESIDE_MIROSTAT, byOurNames, samplingOf, type SamplingFields } from './sampling-fields.ts'

/**
 * How tokens are picked where a model recommends values, and which of these were used. A temperature of 0 or 1 asks for the
 * model as it is, the likeliest token or a draw from its own distribution: nothing is added to that.
 */
export function withRecommended(
  { said, sampling }: { said: SamplingFields; sampling: SamplingOptions },
  recommended: Recommended,
): { sampling: SamplingOptions; used: Recommended } {
  const fields = byOurNames(said)
  const asIs = fields.temperature === 0 || fields.temperature === 1
  const beside: readonly string[] = fields.mirostat === 2 ? BESIDE_MIROSTAT : []
  const used = Object.fromEntries(
    Object.entries(asIs ? {} : recommended).filter(
      ([name]) => fields[name as keyof SamplingFields] === undefined && !beside.includes(name),
    ),
  )
  return { sampling: samplingOf({ ...used, ...fields }, () => sampling.seed), used }
}
