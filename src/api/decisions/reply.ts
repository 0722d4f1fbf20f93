// A reply makes probabilities of scores: of each option's words, less what they weigh without a state.

import { exp } from '../../lib/math.ts'
import type { ScoresEvent } from '../../protocol/generation.ts'
import { totalLogprob } from '../../protocol/scores.ts'
import { EMPTY_STATES, SCALES } from './prompts.ts'
import { reliabilityOf } from './reliability.ts'
import type { DecisionOrder, Question } from './schema.ts'

/**
 * The reply, as OpenAI words it, to scores of the prompts that prompts.ts made of the order. `islet` names what was done,
 * and of each question how far such answers of this model can be trusted.
 */
export function decisionReply(
  { questions, calibration }: DecisionOrder,
  model: string,
  { logprobs, promptTokens, cachedTokens, window }: ScoresEvent,
): object {
  const priorOf = (index: number, option: number): number => {
    const priors = EMPTY_STATES.map((_, state) => logprobs[(state + 1) * questions.length + index][option])
    return priors.reduce((sum, prior) => sum + totalLogprob(prior), 0) / priors.length
  }
  const weightsOf = (index: number): number[] => {
    const scores = logprobs[index].map(totalLogprob)
    if (calibration === 'none') return scores
    return scores.map((score, option) => score - priorOf(index, option))
  }
  const scored = logprobs.slice(0, questions.length)
  const candidates = scored.flat().reduce((sum, { length }) => sum + length, 0)
  const inputTokens = promptTokens + candidates
  return {
    object: 'decision',
    model,
    answers: questions.map((question, index) => answerOf(question, weightsOf(index))),
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
      output_tokens: 0,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens,
    },
    islet: {
      calibration,
      reliability: questions.map(({ type }) => reliabilityOf(model, type, calibration)),
      window: window.window ?? null,
      sinks: window.sinks,
      out_of_sight: window.outOfSight,
    },
  }
}

function answerOf(question: Question, scores: readonly number[]): object {
  const { name, type } = question
  const probabilities = softmax(scores, SCALES[type])
  if (question.type === 'predicate') return { type, name, probability: probabilities[0] }
  const best = probabilities.indexOf(Math.max(...probabilities))
  const confidence = probabilities[best]
  if (question.type === 'choice') {
    const { options } = question
    return {
      type,
      name,
      choice: options[best].value,
      confidence,
      probabilities: options.map(({ value }, i) => ({ value, probability: probabilities[i] })),
    }
  }
  const levels = question.options.map(({ value, label }, i) => ({
    label,
    value,
    probability: probabilities[i],
  }))
  const score = levels.reduce((sum, { value, probability }) => sum + value * probability, 0)
  return { type, name, score, confidence, probabilities: levels }
}

/** Probabilities of scores in nats, each times `scale`; they sum to 1. */
export function softmax(scores: readonly number[], scale: number): number[] {
  const best = Math.max(...scores)
  const weights = scores.map((score) => exp((score - best) * scale))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
