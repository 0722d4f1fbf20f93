// The shared fields are those that chat and text completions both take, each with its rule.
// Supported ones have ranges, known ones pass at a neutral value alone, and some are ignored because they change nothing.

import * as z from 'zod/mini'
import { preview, ruled, type Problem } from '../validate.ts'

const number = (minimum: number, maximum: number) =>
  z.optional(z.number().check(z.minimum(minimum), z.maximum(maximum)))
const integer = (minimum: number, maximum: number) =>
  z.optional(z.int().check(z.minimum(minimum), z.maximum(maximum)))

/** A known field that passes only where `isNeutral`: there it asks for nothing. */
export function neutral(
  isNeutral: (value: unknown) => boolean,
  only: string,
): z.ZodMiniOptional<z.ZodMiniUnknown> {
  const says = (value: unknown) => `is supported only as ${only}, not ${preview(value)}`
  return z.optional(
    ruled((value) => (isNeutral(value) ? undefined : { code: 'unsupported_value', says: says(value) })),
  )
}

/** A known field that we do not implement at any value but null. */
export function unsupported(): z.ZodMiniOptional<z.ZodMiniUnknown> {
  return z.optional(
    ruled(() => ({ code: 'unsupported_parameter', says: 'is not supported by this server; remove it' })),
  )
}

/** Changes nothing of what is generated (billing, storage, tone hints): any value passes. */
export function ignored(): z.ZodMiniOptional<z.ZodMiniUnknown> {
  return z.optional(z.unknown())
}

export const isEmptyArray = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Longest string that only routes or names the end user. */
const MAX_LABEL = 512
export const label = () => z.optional(z.string().check(z.maxLength(MAX_LABEL)))

/** Most biased ids a request may bring: each costs time at every token. */
const MAX_BIASES = 1024

/** Seeds are taken modulo 2^32; clients send up to 64 bits. */
const SEED_LIMIT = 2 ** 63

const streamOptions = z.strictObject({
  include_usage: z.nullish(z.boolean()),
  // Padding that hides token lengths from eavesdroppers: true would be a promise we do not keep.
  include_obfuscation: z.nullish(z.literal(false)),
})

export const sharedFields = {
  model: z.string().check(z.minLength(1)),
  stream: z.optional(z.boolean()),
  stream_options: z.optional(streamOptions),
  max_tokens: integer(1, Number.MAX_SAFE_INTEGER),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: integer(-1, 2 ** 31 - 1),
  min_p: number(0, 1),
  repetition_penalty: number(0.1, 10),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  seed: z.optional(ruled(checkSeed)),
  logit_bias: z.optional(ruled(checkLogitBias)),
  stop: z.optional(ruled(checkStop)),
  ignore_eos: z.optional(z.boolean()),
  truncation: z.optional(z.enum(['auto', 'disabled'])),
  n: neutral((value) => value === 1, '1'),
  user: label(),
  safety_identifier: label(),
  prompt_cache_key: label(),
  prompt_cache_retention: ignored(),
  prompt_cache_options: ignored(),
  metadata: ignored(),
  store: z.optional(z.boolean()),
  service_tier: ignored(),
  verbosity: ignored(),
  moderation: ignored(),
}

function checkSeed(value: unknown): Problem | undefined {
  if (Number.isInteger(value) && Math.abs(value as number) <= SEED_LIMIT) return undefined
  return { code: 'invalid_request', says: `must be an integer of at most 64 bits, not ${preview(value)}` }
}

function checkStop(value: unknown): Problem | undefined {
  const strings: unknown[] = Array.isArray(value) ? value : [value]
  const bad = strings.findIndex((entry) => typeof entry !== 'string' || entry === '')
  if (strings.length <= 4 && bad < 0) return undefined
  const seen = strings.length > 4 ? `${strings.length} strings` : preview(strings[bad])
  const says = `must be a string or up to 4 strings, none empty, not ${seen}`
  return { code: 'invalid_request', says, at: Array.isArray(value) && strings.length <= 4 ? [bad] : [] }
}

function checkLogitBias(value: unknown): Problem | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      code: 'invalid_request',
      says: `must be an object of token ids and numbers, not ${preview(value)}`,
    }
  }
  const entries = Object.entries(value)
  if (entries.length > MAX_BIASES) {
    return { code: 'invalid_request', says: `must have at most ${MAX_BIASES} entries, not ${entries.length}` }
  }
  for (const [id, bias] of entries) {
    if (!/^(0|[1-9]\d{0,8})$/.test(id)) {
      return { code: 'invalid_request', says: `must be keyed by token ids such as "42", not ${preview(id)}` }
    }
    if (typeof bias !== 'number' || !(Math.abs(bias) <= 100)) {
      return {
        code: 'invalid_request',
        says: `must be a number from -100 to 100, not ${preview(bias)}`,
        at: [id],
      }
    }
  }
  return undefined
}
