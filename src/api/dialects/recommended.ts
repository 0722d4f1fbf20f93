// Recommended sampling is what a packed model carries for fields that a request leaves out.

import type { Recommended } from '../../protocol/lane-reports.ts'
import type { SamplingOptions } from '../../protocol/generation.ts'
import {
  BESIDE_MIROSTAT,
  byOurNames,
  samplingFields,
  samplingOf,
  type SamplingFields,
} from './sampling-fields.ts'

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

/** Gives what a manifest recommends, of fields and values that a request could send. */
export function recommendedBy(
  factsOf: () => Promise<{ sampling?: Recommended }>,
): () => Promise<Recommended | undefined> {
  let known: { sampling: Recommended | undefined } | undefined
  return async () => (known ??= { sampling: usableOf(await factsOf()) }).sampling
}

/** A seed is a request's own, and Mirostat would put out rules that it asks for. */
const NEVER = ['seed', 'mirostat']

function usableOf({ sampling = {} }: { sampling?: Recommended }): Recommended | undefined {
  const fields: Record<string, { safeParse(value: unknown): { success: boolean } }> = samplingFields
  const usable = Object.entries(sampling).filter(
    ([name, value]) =>
      typeof value === 'number' &&
      !NEVER.includes(name) &&
      Object.hasOwn(fields, name) &&
      fields[name].safeParse(value).success,
  )
  return usable.length === 0 ? undefined : Object.fromEntries(usable)
}
