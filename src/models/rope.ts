// This file reads rotary base and scaling out of metadata, under the keys of transformers and llama.cpp.

import { IsletError } from '../lib/errors.ts'
import { log } from '../lib/math.ts'
import { atLeast, factsOf, inside, only, positive, shortest, show } from './facts.ts'
import type { Facts } from './family.ts'
import type { Position, RopeScaling } from './spec.ts'

const DEFAULT_BASE = 10000

/** Of smaller bases the angles of far positions could not be reduced, and the logarithm is 0 or less. */
export const LEAST_BASE = 2

/**
 * `rope_theta` and `rope_scaling`, or both together in the newer `rope_parameters`. `trained` is the context
 * before scaling, `base` where none is named.
 */
export function configRope(config: Facts, rotary: number, trained: number, base = DEFAULT_BASE): Position {
  const parameters = inside(config, 'rope_parameters')
  const scaling = parameters.get('rope_type') === undefined ? inside(config, 'rope_scaling') : parameters
  const theta = parameters.get('rope_theta') === undefined ? config : parameters
  return {
    kind: 'rope',
    base: atLeast(theta, 'rope_theta', LEAST_BASE, base),
    rotaryDim: rotary,
    scaling: scalingOf(scaling, trained),
  }
}

/** `rope.freq_base` and `rope.scaling` of a GGUF architecture. */
export function ggufRope(metadata: Facts, architecture: string, rotary: number): Position {
  const key = (name: string): string => `${architecture}.rope.${name}`
  const trained = Number(metadata.get(`${architecture}.context_length`))
  // llama.cpp multiplies YaRN's own magnitude by this one, where transformers' attention_factor takes its
  // place.
  only(metadata, key('scaling.attn_factor'), [1])
  const scaling = factsOf({
    rope_type: metadata.get(key('scaling.type')),
    factor: metadata.get(key('scaling.factor')),
    original_max_position_embeddings: metadata.get(key('scaling.original_context_length')),
  })
  return {
    kind: 'rope',
    base: shortest(atLeast(metadata, key('freq_base'), LEAST_BASE, DEFAULT_BASE)),
    rotaryDim: rotary,
    scaling: scalingOf(scaling, trained),
  }
}

/** Keys as in transformers' `rope_scaling`. */
function scalingOf(facts: Facts, trained: number): RopeScaling {
  const kind = facts.get('rope_type') ?? facts.get('type') ?? 'none'
  if (kind === 'none' || kind === 'default') return { kind: 'none' }
  if (kind === 'linear') return { kind: 'linear', factor: shortest(atLeast(facts, 'factor', 1)) }
  if (kind === 'yarn') return yarn(facts, trained)
  throw new IsletError(
    'unsupported_format',
    `rotary scaling of kind ${show(kind)}; none, linear and yarn are supported`,
  )
}

function yarn(facts: Facts, trained: number): RopeScaling {
  only(facts, 'mscale', [undefined])
  only(facts, 'truncate', [true])
  const factor = shortest(atLeast(facts, 'factor', 1))
  return {
    kind: 'yarn',
    factor,
    trained: positive(facts, 'original_max_position_embeddings', trained),
    fast: positive(facts, 'beta_fast', 32),
    slow: positive(facts, 'beta_slow', 1),
    magnitude: positive(facts, 'attention_factor', 0.1 * log(factor) + 1),
  }
}
