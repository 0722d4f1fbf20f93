// Log probabilities of a token and its rivals, from the model's own logits: before penalties and temperature.

import type { TokenLogprob } from '../engine/events.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

const decoder = new TextDecoder()

/** The entry for `id` with the `count` likeliest tokens beside it. `logits` is (vocab) f32. */
export function tokenLogprob(
  logits: Float32Array,
  id: number,
  count: number,
  tokenizer: Tokenizer,
): TokenLogprob {
  const total = logSumExp(logits)
  const entry = (of: number): Omit<TokenLogprob, 'top'> => {
    const bytes = tokenizer.tokenBytes(of)
    const token = tokenizer.isSpecial(of) ? tokenizer.nameOf(of) : decoder.decode(bytes)
    return { token, logprob: logits[of] - total, bytes: [...bytes] }
  }
  return { ...entry(id), top: likeliest(logits, count).map(entry) }
}

function logSumExp(logits: Float32Array): number {
  let most = -Infinity
  for (const logit of logits) if (logit > most) most = logit
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - most)
  return most + Math.log(sum)
}

/** Ids of the `count` largest, best first; ties go to the lower id. The count is small: a sorted list will do. */
function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = []
  for (let id = 0; id < logits.length; id++) {
    if (count === 0 || (best.length === count && logits[id] <= logits[best[count - 1]])) continue
    let at = best.length
    while (at > 0 && logits[id] > logits[best[at - 1]]) at--
    best.splice(at, 0, id)
    if (best.length > count) best.pop()
  }
  return best
}
