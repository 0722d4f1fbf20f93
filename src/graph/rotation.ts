// A rotation table gives the cos and sin that a position's query and key turn by.
// It is computed in float64 with our own sine and cosine, so every host gets the same bits; one position at a
// time, so no table grows with the position.

import { log, pow, sinCos, type SinCos } from '../lib/math.ts'
import { rotaryDim, type Position, type RopeScaling } from '../models/spec.ts'
import { PLAIN, planePosition, type PromptShape } from '../cache/prompt-shape.ts'

/** Writes f32 cos[half], then sin[half], for one position. */
export type RotationTable = {
  half: number
  fill(out: Float32Array, position: number, shape?: PromptShape): void
}

type Rope = Extract<Position, { kind: 'rope' }>
type RopePlane = Extract<Position, { kind: 'rope2d' }>

export function rotationTable(position: Position): RotationTable {
  if (position.kind === 'rope') return ropeTable(position)
  if (position.kind === 'rope2d') return planeTable(position)
  return { half: rotaryDim(position) / 2, fill: () => undefined }
}

function ropeTable({ base, rotaryDim: dims, scaling }: Rope): RotationTable {
  const half = dims / 2
  const magnitude = scaling.kind === 'yarn' ? scaling.magnitude : 1
  const divisor = scaling.kind === 'linear' ? scaling.factor : 1
  const byAlpha = new Map<number, Float64Array>()
  const frequencies = (alpha: number): Float64Array => {
    const known = byAlpha.get(alpha)
    if (known !== undefined) return known
    // arXiv 2309.16609, 2.3: the base grows so that the slowest pair turns alpha times slower.
    const grown = alpha === 1 ? base : base * pow(alpha, dims / (dims - 2))
    const made = scaled(powers(grown, half), scaling, grown)
    byAlpha.set(alpha, made)
    return made
  }
  const angle: SinCos = { sin: 0, cos: 0 }
  return {
    half,
    fill(out, position, { ntk } = PLAIN) {
      const turns = frequencies(ntk)
      for (let i = 0; i < half; i++) {
        sinCos((position / divisor) * turns[i], angle)
        out[i] = angle.cos * magnitude
        out[half + i] = angle.sin * magnitude
      }
    },
  }
}

/** base^(-i / half). */
function powers(base: number, half: number): Float64Array {
  return Float64Array.from({ length: half }, (_, i) => 1 / pow(base, i / half))
}

function scaled(frequencies: Float64Array, scaling: RopeScaling, base: number): Float64Array {
  if (scaling.kind !== 'yarn') return frequencies
  const { factor, trained, fast, slow } = scaling
  const dims = 2 * frequencies.length
  /** The pair that turns so many times within the trained length. */
  const pair = (turns: number): number => (dims * log(trained / (turns * 2 * Math.PI))) / (2 * log(base))
  const low = Math.max(Math.floor(pair(fast)), 0)
  const high = Math.min(Math.ceil(pair(slow)), dims - 1)
  const width = Math.max(high - low, 0.001)
  return frequencies.map((frequency, i) => {
    const ramp = Math.min(Math.max((i - low) / width, 0), 1)
    return (frequency / factor) * ramp + frequency * (1 - ramp)
  })
}

/** Half of the pairs turn by the place in the text, half by the place in the answer. */
function planeTable({ base, rotaryDim: dims }: RopePlane): RotationTable {
  const half = dims / 2
  const quarter = half / 2
  const frequencies = powers(base, quarter).map(toHalf)
  const angle: SinCos = { sin: 0, cos: 0 }
  return {
    half,
    fill(out, position, shape = PLAIN) {
      const places = planePosition(shape, position)
      for (let i = 0; i < half; i++) {
        sinCos(places[i < quarter ? 0 : 1] * frequencies[i % quarter], angle)
        out[i] = angle.cos
        out[half + i] = angle.sin
      }
    },
  }
}

/**
 * Rounded to float16's 11 bits (Veltkamp's splitting, with 2^13 + 1), as ChatGLM-6B keeps its frequencies.
 */
function toHalf(value: number): number {
  const f = Math.fround
  const [x, spread] = [f(value), f(f(value) * 8193)]
  return f(spread - f(spread - x))
}
