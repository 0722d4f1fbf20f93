// Sampling settings hold what a person set; what is left empty is the default, which is named beside it.

import van, { type State } from 'vanjs-core'
import { model } from './server.ts'

export type SamplingField = {
  /** As a request has it. */
  name: string
  label: string
  hint: string
  least: number
  most: number
  step: number
  /** What the server takes where neither request nor model says a value; undefined: it depends. */
  usual: number | undefined
  value: State<number | undefined>
}

function field(
  name: string,
  label: string,
  hint: string,
  [least, most, step]: [number, number, number],
  usual?: number,
): SamplingField {
  return { name, label, hint, least, most, step, usual, value: van.state<number | undefined>() }
}

export const systemPrompt = van.state('')

export const temperature = field(
  'temperature',
  'Temperature',
  'Higher is more varied; 0 takes the likeliest.',
  [0, 2, 0.1],
  1,
)
export const topP = field('top_p', 'Top p', 'Only the likeliest tokens up to this share.', [0.01, 1, 0.01], 1)
export const topK = field(
  'top_k',
  'Top k',
  'Only so many of the likeliest tokens; 0 is all.',
  [0, 1000, 1],
  0,
)
export const minP = field(
  'min_p',
  'Min p',
  'Only tokens with this share of the likeliest one.',
  [0, 1, 0.01],
  0,
)
export const repetitionPenalty = field(
  'repetition_penalty',
  'Repetition penalty',
  'Above 1, what was there becomes less likely.',
  [0.1, 2, 0.05],
  1,
)
export const seed = field('seed', 'Seed', 'The same seed gives the same answer.', [0, 2 ** 32 - 1, 1])
export const maxTokens = field('max_tokens', 'Longest answer', 'In tokens.', [1, 32_768, 1])

export const FIELDS: readonly SamplingField[] = [
  temperature,
  topP,
  topK,
  minP,
  repetitionPenalty,
  seed,
  maxTokens,
]

/** What the served model recommends for fields that a request leaves out, by the names of requests. */
export function recommended(): Readonly<Record<string, number>> {
  const { sampling } = (model.val?.['islet'] ?? {}) as { sampling?: Record<string, number> }
  return sampling ?? {}
}

/** The value that holds for an empty field, in words for its placeholder. */
export function defaultOf({ name, usual }: SamplingField): string {
  const named = recommended()[name]
  if (named !== undefined) return `${named} (model)`
  if (usual !== undefined) return `${usual} (default)`
  return name === 'seed' ? 'random' : 'no limit'
}

/** The fields of a request's body that a person set. */
export function samplingBody(): Record<string, number> {
  return Object.fromEntries(
    FIELDS.flatMap(({ name, value }) => (value.val === undefined ? [] : [[name, value.val]])),
  )
}

/** Back to the model's defaults. */
export function resetSampling(): void {
  for (const { value } of FIELDS) value.val = undefined
}
