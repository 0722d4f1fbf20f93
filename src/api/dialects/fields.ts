// The shared fields are those that chat and text completions both take, each with its rule.
// Supported ones have ranges, known ones pass at a neutral value alone, and some are ignored because they
// change nothing.

import * as z from 'zod/mini'
import { preview, worded } from '../validate.ts'
import { ignored, integer } from './field-kinds.ts'
import { isletOptions } from './islet-options.ts'
import { samplingFields } from './sampling-fields.ts'

/** For lists that may be there but empty. */
export const emptyArray = () => z.array(z.unknown()).check(z.maxLength(0))

/** How much a model shall think: accepted without effect. */
export const effort = () => z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])

/** Levels of a value that has no schema: whoever walks it, a template or JSON.stringify, is recursive. */
const MAX_LEVELS = 64
/** Characters of such a value as JSON: it is kept, whether a prompt shows it or not. */
const MAX_JSON = 262_144

/** The bounds of a value that holds any JSON. */
export const jsonBounds = () =>
  [
    levelBounds(),
    z.refine((value) => JSON.stringify(value).length <= MAX_JSON, {
      error: `must have at most ${MAX_JSON} characters as JSON`,
    }),
  ] as const

/** The bound of a value that holds any JSON beside long texts. */
export const levelBounds = () =>
  z.refine((value) => hasLevels(value, MAX_LEVELS), {
    error: `must not be nested deeper than ${MAX_LEVELS} levels`,
    abort: true,
  })

/** Whether a value has at most `most` levels of arrays and objects. */
function hasLevels(value: unknown, most: number): boolean {
  const nested = (values: unknown[]) => values.filter((inner) => typeof inner === 'object' && inner !== null)
  let level = nested([value]) as object[]
  for (let depth = 0; depth < most && level.length > 0; depth++)
    level = level.flatMap((inner) => nested(Object.values(inner)) as object[])
  return level.length === 0
}

/** Further variables of the chat template. */
export const templateVariables = () => z.nullish(z.record(z.string(), z.unknown()).check(...jsonBounds()))

/** Longest string that only names or routes something: a tool, a call, the end user. */
const MAX_LABEL = 512
export const shortText = () => z.string().check(z.maxLength(MAX_LABEL))
export const label = () => z.nullish(shortText())

/**
 * Longest stop string: each is kept with its turn. OpenAI documents no limit; texts that stop an answer are
 * words or lines.
 */
const MAX_STOP = 1000
/** Most stop strings of a request: tools send lists of role names. */
const MAX_STOPS = 16
const stopWords = `must be a string or up to ${MAX_STOPS} strings, none empty or of more than ${MAX_STOP} characters`
const stopString = z.string(stopWords).check(z.minLength(1), z.maxLength(MAX_STOP))

/** The list that Anthropic has for them. */
export const stopStrings = (most: number) =>
  z.array(stopString, 'must be an array of strings').check(z.maxLength(most))

/** Where a body names its stop strings. */
export type StopField = 'stop' | 'stop_sequences'

const stop = z.union([stopString, z.array(stopString, stopWords).check(z.maxLength(MAX_STOPS))], stopWords)

const streamOptions = z.strictObject({
  include_usage: z.nullish(z.boolean()),
  // Padding that hides token lengths from eavesdroppers: there is none, and the reply says so.
  include_obfuscation: z.nullish(z.boolean()),
})

const limitWords = 'must be an integer from 1, or -1 for no limit'
/** Most answers to one prompt. */
const MAX_ANSWERS = 8

export const sharedFields = {
  model: z.nullish(z.string().check(z.minLength(1))),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(streamOptions),
  max_tokens: z.nullish(integer(1, Number.MAX_SAFE_INTEGER)),
  n_predict: z.nullish(z.union([z.literal(-1), integer(1, Number.MAX_SAFE_INTEGER, limitWords)], limitWords)),
  ...samplingFields,
  stop: z.nullish(stop),
  ignore_eos: z.nullish(z.boolean()),
  // llama-server's: what a session holds is used again here always, and changes no bit.
  cache_prompt: z.nullish(z.boolean()),
  truncation: z.nullish(z.enum(['auto', 'disabled'])),
  n: worded(
    z.nullish(integer(1, MAX_ANSWERS)),
    'unsupported_value',
    (value) => `must be a whole number from 1 to ${MAX_ANSWERS}, not ${preview(value)}`,
  ),
  user: label(),
  safety_identifier: label(),
  prompt_cache_key: label(),
  prompt_cache_retention: ignored(),
  prompt_cache_options: ignored(),
  metadata: ignored(),
  store: z.nullish(z.boolean()),
  service_tier: ignored(),
  verbosity: ignored(),
  moderation: ignored(),
  islet: isletOptions(),
}
