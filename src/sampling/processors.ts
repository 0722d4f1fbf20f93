// Processors change the scores before an id is chosen. The whole order of sampling, here and in draw.ts:
//   1 logit bias   2 repetition penalty   3 presence and frequency penalty   4 DRY
//   5 top_n_sigma   6 top_k   7 temperature, dynamic over what is left   8 typical_p   9 top_p   10 min_p   11 XTC
// Mirostat stands in the place of 5, 6 and 8 to 11.

import type { SamplingOptions } from '../protocol/generation.ts'
import { penalizeRepeats } from './dry.ts'
import type { Occurrences, Processor } from './history.ts'

/** Whether options look at the order of ids. */
export function needsHistory({ repeatLastN, dry }: SamplingOptions): boolean {
  return repeatLastN !== undefined || dry !== undefined
}

/** The rules that these options switch on, in order; none leaves the logits as they are. */
export function createProcessors(options: SamplingOptions): Processor[] {
  const { logitBias, repetitionPenalty, presencePenalty, frequencyPenalty, repeatLastN, dry } = options
  const processors: Processor[] = []
  if (logitBias.some(([, bias]) => bias !== 0)) processors.push(biasLogits(logitBias))
  const within = (apply: Processor): Processor =>
    repeatLastN === undefined ? apply : (scores, seen) => apply(scores, lastOf(seen, repeatLastN))
  if (repetitionPenalty !== 1) processors.push(within(penalizeRepetition(repetitionPenalty)))
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    processors.push(within(penalizeGenerated(presencePenalty, frequencyPenalty)))
  }
  if (dry !== undefined) processors.push(penalizeRepeats(dry))
  return processors
}

/** What occurs among the last `count` ids of prompt and answer. */
function lastOf({ history }: Occurrences, count: number): Occurrences {
  const prompt = new Set<number>()
  const generated = new Map<number, number>()
  if (history === undefined) return { prompt, generated }
  const { ids, prompt: first } = history
  for (let i = Math.max(0, ids.length - count); i < ids.length; i++) {
    if (i < first) prompt.add(ids[i])
    else generated.set(ids[i], (generated.get(ids[i]) ?? 0) + 1)
  }
  return { prompt, generated }
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
