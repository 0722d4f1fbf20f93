// Recommended sampling is what a packed model carries for fields that a request leaves out.

import { errorCode } from '../../lib/errors.ts'
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

/**
 * Gives what a manifest recommends, of fields and values that a request could send; it is read once. Where there is no
 * manifest nothing is recommended: the lane tells what is wrong with the model.
 */
export function recommendedBy(
  readManifest: () => Promise<{ sampling?: Recommended }>,
): () => Promise<Recommended | undefined> {
  let known: { sampling: Recommended | undefined } | undefined
  // Requests share what was read and no promise: one of another request's may never settle.
  return async () => (known ??= { sampling: await readRecommended(readManifest) }).sampling
}

/** A seed is a request's own, and Mirostat would put out rules that it asks for. */
const NEVER = ['seed', 'mirostat']

async function readRecommended(
  readManifest: () => Promise<{ sampling?: Recommended }>,
): Promise<Recommended | undefined> {
  const fields: Record<string, { safeParse(value: unknown): { success: boolean } }> = samplingFields
  try {
    const { sampling } = await readManifest()
    const usable = Object.entries(sampling ?? {}).filter(
      ([name, value]) =>
        typeof value === 'number' &&
        !NEVER.includes(name) &&
        Object.hasOwn(fields, name) &&
        fields[name].safeParse(value).success,
    )
    return usable.length === 0 ? undefined : Object.fromEntries(usable)
  } catch (error) {
    if (errorCode(error) === 'invalid_file') return undefined
    throw error
  }
}
