// The sampling fields say how tokens are picked; some have llama-server's name beside ours.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import { DEFAULT_SAMPLING, type SamplingOptions, type SamplingRules } from '../../protocol/generation.ts'
import { atMost, preview, worded, type Given } from '../validate.ts'
import { integer, neutral, number } from './field-kinds.ts'

/** Most biased ids a request may bring: each costs time at every token. */
const MAX_BIASES = 1024

/** Most sequence breakers, and characters of one: each is looked for in every token of the prompt. */
const [MAX_BREAKERS, MAX_BREAKER] = [64, 64]

/** Those of whoever names none, as llama-server has them. */
const BREAKERS = ['\n', ':', '"', '*']

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

const count = (least: number) => z.nullish(integer(least, 2 ** 31 - 1))
const repetition = () => number(0.1, 10)

export const samplingFields = {
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: count(-1),
  min_p: number(0, 1),
  repetition_penalty: repetition(),
  repeat_penalty: repetition(),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  repeat_last_n: count(-1),
  dry_multiplier: number(0, 100),
  dry_base: number(1, 10),
  dry_allowed_length: count(0),
  dry_penalty_last_n: count(-1),
  dry_sequence_breakers: z.nullish(
    z.array(z.string().check(z.minLength(1), z.maxLength(MAX_BREAKER))).check(z.maxLength(MAX_BREAKERS)),
  ),
  top_n_sigma: number(-1, 100),
  dynatemp_range: number(0, 10),
  dynatemp_exponent: number(0, 10),
  typical_p: number(0, 1),
  typ_p: number(0, 1),
  xtc_probability: number(0, 1),
  xtc_threshold: number(0, 1),
  mirostat: neutral('0 or 2', z.literal([0, 2])),
  mirostat_tau: number(0, 100),
  mirostat_eta: number(0, 10),
  seed: worded(
    z.nullish(seed),
    'invalid_request',
    (value) => `must be an integer of at most 64 bits, not ${preview(value)}`,
  ),
  logit_bias: atMost(MAX_BIASES, z.nullish(biases)),
}

export type SamplingFields = Given<z.output<z.ZodMiniObject<typeof samplingFields>>>

/** The sampling fields of a checked body alone. */
export function saidOf(fields: SamplingFields): SamplingFields {
  const names = Object.keys(samplingFields) as (keyof SamplingFields)[]
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]),
  )
}

/** llama-server's names of fields, beside ours. */
const ALIASES = [
  ['repeat_penalty', 'repetition_penalty'],
  ['typ_p', 'typical_p'],
] as const

/** The fields by our names alone. Throws invalid_request for one that is given by both. */
export function byOurNames(given: SamplingFields): SamplingFields {
  const fields = { ...given }
  for (const [alias, name] of ALIASES) {
    if (fields[alias] === undefined) continue
    if (fields[name] !== undefined) throw twice(alias, name)
    fields[name] = fields[alias]
    delete fields[alias]
  }
  return fields
}

/** What is said where a field comes by both of its names. */
export function twice(alias: string, name: string): IsletError {
  return new IsletError('invalid_request', `${alias} is another name of ${name}: give one of them`, {
    param: alias,
  })
}

/** Fields that have no part where Mirostat narrows the candidates. */
export const BESIDE_MIROSTAT = [
  'top_k',
  'top_p',
  'min_p',
  'top_n_sigma',
  'typical_p',
  'xtc_probability',
  'dynatemp_range',
] as const

/** How tokens are picked, with DEFAULT_SAMPLING where the fields say nothing, and a new seed. */
export function samplingOf(given: SamplingFields, newSeed: () => number): SamplingOptions {
  const fields = byOurNames(given)
  if (fields.mirostat === 2) for (const name of BESIDE_MIROSTAT) delete fields[name]
  const { seed, logit_bias: biases = {} } = fields
  const usual = DEFAULT_SAMPLING
  return {
    temperature: fields.temperature ?? usual.temperature,
    topK: Math.max(0, fields.top_k ?? usual.topK), // -1 is vLLM's word for off
    topP: fields.top_p ?? usual.topP,
    minP: fields.min_p ?? usual.minP,
    repetitionPenalty: fields.repetition_penalty ?? usual.repetitionPenalty,
    presencePenalty: fields.presence_penalty ?? usual.presencePenalty,
    frequencyPenalty: fields.frequency_penalty ?? usual.frequencyPenalty,
    seed: seed === undefined ? newSeed() >>> 0 : Number(BigInt.asUintN(32, BigInt(seed))),
    logitBias: Object.entries(biases).map(([id, bias]) => [Number(id), bias]),
    ...rulesOf(fields),
  }
}

/** The rules that are on, with llama-server's values for what belongs to one and is not said. */
function rulesOf(fields: SamplingFields): SamplingRules {
  const rules: SamplingRules = {}
  const { repeat_last_n: repeatLastN = -1, top_n_sigma: topNSigma = -1, typical_p: typicalP = 1 } = fields
  const { dry_multiplier: multiplier = 0, dry_penalty_last_n: dryLastN = -1 } = fields
  const { xtc_probability: probability = 0, dynatemp_range: range = 0 } = fields
  if (repeatLastN >= 0) rules.repeatLastN = repeatLastN
  if (multiplier > 0 && dryLastN !== 0)
    rules.dry = {
      multiplier,
      base: fields.dry_base ?? 1.75,
      allowedLength: fields.dry_allowed_length ?? 2,
      ...(dryLastN > 0 && { lastN: dryLastN }),
      breakers: fields.dry_sequence_breakers ?? BREAKERS,
    }
  if (topNSigma > 0) rules.topNSigma = topNSigma
  if (range > 0) rules.dynatemp = { range, exponent: fields.dynatemp_exponent ?? 1 }
  if (typicalP < 1) rules.typicalP = typicalP
  if (probability > 0) rules.xtc = { probability, threshold: fields.xtc_threshold ?? 0.1 }
  // The likeliest token is no surprise that could be steered.
  if (fields.mirostat === 2 && fields.temperature !== 0)
    rules.mirostat = { tau: fields.mirostat_tau ?? 5, eta: fields.mirostat_eta ?? 0.1 }
  return rules
}
