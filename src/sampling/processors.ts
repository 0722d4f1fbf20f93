// Processors change the scores before an id is chosen. The whole order of sampling, here and in sampler.ts:
//   1 logit bias   2 repetition penalty   3 presence and frequency penalty
//   4 temperature   5 top_k   6 top_p (over what top_k left)   7 min_p

import type { SamplingOptions } from '../protocol/generation.ts'

/** What of a sequence the penalties look at. */
export type Occurrences = {
  /** The distinct ids of the prompt. */
  prompt: ReadonlySet<number>
  /** How often each id was generated. */
  generated: ReadonlyMap<number, number>
}

/** One rule: changes a row of scores, (vocab) f32, in place. Ids outside the row are left out. */
export type Processor = (scores: Float32Array, occurrences: Occurrences) => void

/** The rules that these options switch on, in order; none leaves the logits as they are. */
export function createProcessors(options: SamplingOptions): Processor[] {
  const { logitBias, repetitionPenalty, presencePenalty, frequencyPenalty } = options
  const processors: Processor[] = []
  if (logitBias.some(([, bias]) => bias !== 0)) processors.push(biasLogits(logitBias))
  if (repetitionPenalty !== 1) processors.push(penalizeRepetition(repetitionPenalty))
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    processors.push(penalizeGenerated(presencePenalty, frequencyPenalty))
  }
  return processors
}

/** OpenAI's logit_bias: added to the logit. */
function biasLogits(biases: readonly (readonly [id: number, bias: number])[]): Processor {
  return function addBias(scores) {
    for (const [id, bias] of biases) if (id < scores.length) scores[id] += bias
  }
}

/**
 * CTRL's penalty (arXiv 1909.05858) as Hugging Face has it: each id of prompt or answer once, away from
 * favour.
 */
function penalizeRepetition(penalty: number): Processor {
  return function repetition(scores, { prompt, generated }) {
    const lower = (id: number): void => {
      if (id < scores.length) scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty
    }
    for (const id of prompt) lower(id)
    for (const id of generated.keys()) if (!prompt.has(id)) lower(id)
  }
}

/** OpenAI's penalties: generated ids alone, one part once and one part for each time. */
function penalizeGenerated(presence: number, frequency: number): Processor {
  return function presenceAndFrequency(scores, { generated }) {
    for (const [id, count] of generated) {
      if (id < scores.length && count > 0) scores[id] -= presence + frequency * count
    }
  }
}
