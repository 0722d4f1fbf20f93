// The shared fields are those that chat and text completions both take, each with its rule.
// Supported ones have ranges, known ones pass at a neutral value alone, and some are ignored because they
// change nothing.

import * as z from 'zod/mini'
import { atMost, glimpse, preview, worded } from '../validate.ts'
import { isletOptions } from './islet-options.ts'

// All that may be absent are nullish: null counts as absent.
const number = (minimum: number, maximum: number) =>
  z.nullish(z.number().check(z.minimum(minimum), z.maximum(maximum)))
export const integer = (minimum: number, maximum: number, words?: string) =>
  z.int(words).check(z.minimum(minimum), z.maximum(maximum))

/** A known field that passes only at the values of `schema`, worded by `only`: they ask for nothing. */
export function neutral<S extends z.ZodMiniType>(
  only: string,
  schema: S,
): z.ZodMiniOptional<z.ZodMiniNullable<S>> {
  const field = z.nullish(schema)
  z.globalRegistry.add(field, { description: `Supported only as ${only}.` })
  const says = (value: unknown) => `is supported only as ${only}, not ${glimpse(value)}`
  return worded(field, 'unsupported_value', says)
}

/** A known field that we do not implement at any value but null. */
export function unsupported(): z.ZodMiniOptional<z.ZodMiniNull> {
  const field = z.optional(z.null())
  z.globalRegistry.add(field, { description: 'Not supported.' })
  return worded(field, 'unsupported_parameter', () => 'is not supported by this server; remove it')
}

/** Changes nothing of what is generated (billing, storage, tone hints): any value passes. */
export function ignored(): z.ZodMiniOptional<z.ZodMiniUnknown> {
  const field = z.optional(z.unknown())
  z.globalRegistry.add(field, { description: 'Ignored.' })
  return field
}

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

/** Most biased ids a request may bring: each costs time at every token. */
const MAX_BIASES = 1024

/** Seeds are taken modulo 2^32; clients send up to 64 bits. */
const SEED_LIMIT = 2 ** 63
const seed = z
  .number()
  .check(
    z.minimum(-SEED_LIMIT),
    z.maximum(SEED_LIMIT),
    z.refine(Number.isInteger),
    z.meta({ type: 'integer' }),
  )

const biases = z.record(
  z.string().check(z.regex(/^(0|[1-9]\d{0,8})$/, 'must be keyed by token ids such as "42"')),
  z.number('must be a number from -100 to 100').check(z.minimum(-100), z.maximum(100)),
  'must be an object of token ids and numbers',
)

/**
 * Longest stop string: each is kept with its turn. OpenAI documents no limit; texts that stop an answer are
 * words or lines.
 */
const MAX_STOP = 1000
const stopWords = `must be a string or up to 4 strings, none empty or of more than ${MAX_STOP} characters`
const stopString = z.string(stopWords).check(z.minLength(1), z.maxLength(MAX_STOP))

/** The list that Anthropic has for them. */
export const stopStrings = (most: number) =>
  z.array(stopString, 'must be an array of strings').check(z.maxLength(most))

/** Where a body names its stop strings. */
export type StopField = 'stop' | 'stop_sequences'

const stop = z.union([stopString, z.array(stopString, stopWords).check(z.maxLength(4))], stopWords)

const streamOptions = z.strictObject({
  include_usage: z.nullish(z.boolean()),
  // Padding that hides token lengths from eavesdroppers: there is none, and the reply says so.
  include_obfuscation: z.nullish(z.boolean()),
})

/** Most answers to one prompt. */
const MAX_ANSWERS = 8

export const sharedFields = {
  model: z.nullish(z.string().check(z.minLength(1))),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(streamOptions),
  max_tokens: z.nullish(integer(1, Number.MAX_SAFE_INTEGER)),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: z.nullish(integer(-1, 2 ** 31 - 1)),
  min_p: number(0, 1),
  repetition_penalty: number(0.1, 10),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  seed: worded(
    z.nullish(seed),
    'invalid_request',
    (value) => `must be an integer of at most 64 bits, not ${preview(value)}`,
  ),
  logit_bias: atMost(MAX_BIASES, z.nullish(biases)),
  stop: z.nullish(stop),
  ignore_eos: z.nullish(z.boolean()),
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
