// This file checks sampling options: one out of range is an error of the request, by the field's name.

import { IsletError } from '../lib/errors.ts'
import type { SamplingOptions } from '../protocol/generation.ts'

/** Throws invalid_request for an option out of range. */
export function checkOptions(options: SamplingOptions, topLogprobs: number | undefined): void {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed } =
    options
  const check = (holds: boolean, param: string, value: number, allowed: string): void => {
    if (!holds)
      throw new IsletError('invalid_request', `${param} is ${value}: it must be ${allowed}`, { param })
  }
  const isIndex = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 2 ** 32
  const isPart = (value: number): boolean => value >= 0 && value <= 1
  const isAmount = (value: number): boolean => value >= 0 && value < Infinity
  check(temperature >= 0 && temperature < Infinity, 'temperature', temperature, 'at least 0')
  check(isIndex(topK), 'top_k', topK, 'a whole number, 0 for no limit')
  check(isPart(topP), 'top_p', topP, 'from 0 to 1')
  check(isPart(minP), 'min_p', minP, 'from 0 to 1')
  const isFactor = repetitionPenalty > 0 && repetitionPenalty < Infinity
  check(isFactor, 'repetition_penalty', repetitionPenalty, 'above 0')
  check(Number.isFinite(presencePenalty), 'presence_penalty', presencePenalty, 'a number')
  check(Number.isFinite(frequencyPenalty), 'frequency_penalty', frequencyPenalty, 'a number')
  check(isIndex(seed), 'seed', seed, 'a whole number below 2^32')
  for (const [id, bias] of options.logitBias) {
    check(isIndex(id), 'logit_bias', id, 'a map from token ids')
    check(Number.isFinite(bias), 'logit_bias', bias, 'a map to numbers')
  }
  const { repeatLastN = 0, topNSigma = 1, typicalP = 1, dynatemp, xtc, mirostat, dry } = options
  check(isIndex(repeatLastN), 'repeat_last_n', repeatLastN, 'a whole number')
  check(topNSigma > 0 && topNSigma < Infinity, 'top_n_sigma', topNSigma, 'above 0')
  check(isPart(typicalP), 'typical_p', typicalP, 'from 0 to 1')
  const amounts = {
    dynatemp_range: dynatemp?.range,
    dynatemp_exponent: dynatemp?.exponent,
    mirostat_tau: mirostat?.tau,
    mirostat_eta: mirostat?.eta,
    dry_multiplier: dry?.multiplier,
  }
  for (const [name, value = 0] of Object.entries(amounts)) check(isAmount(value), name, value, 'at least 0')
  for (const [name, value = 0] of Object.entries({
    xtc_probability: xtc?.probability,
    xtc_threshold: xtc?.threshold,
  }))
    check(isPart(value), name, value, 'from 0 to 1')
  const { base = 1, allowedLength = 0, lastN = 0 } = dry ?? {}
  check(base >= 1 && base < Infinity, 'dry_base', base, 'at least 1')
  check(isIndex(allowedLength), 'dry_allowed_length', allowedLength, 'a whole number')
  check(isIndex(lastN), 'dry_penalty_last_n', lastN, 'a whole number')
  if (topLogprobs !== undefined) {
    check(isIndex(topLogprobs) && topLogprobs <= 20, 'top_logprobs', topLogprobs, 'from 0 to 20')
  }
}
