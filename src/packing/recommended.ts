// Recommended sampling comes from a checkpoint's files: generation_config.json, or GGUF's metadata.

import type { Recommended } from '../protocol/lane-reports.ts'

type Facts = Readonly<Record<string, unknown>>

/** A field of requests, with its range there; `hf` and `gguf`: what the files call it. */
const FIELDS: { name: string; hf?: string; gguf?: string; range: [least: number, most: number] }[] = [
  { name: 'temperature', hf: 'temperature', gguf: 'temp', range: [0, 2] },
  { name: 'top_k', hf: 'top_k', gguf: 'top_k', range: [0, 2 ** 31 - 1] },
  { name: 'top_p', hf: 'top_p', gguf: 'top_p', range: [0, 1] },
  { name: 'min_p', hf: 'min_p', gguf: 'min_p', range: [0, 1] },
  { name: 'typical_p', hf: 'typical_p', range: [0, 1] },
  { name: 'repetition_penalty', hf: 'repetition_penalty', gguf: 'penalty_repeat', range: [0.1, 10] },
  { name: 'repeat_last_n', gguf: 'penalty_last_n', range: [-1, 2 ** 31 - 1] },
  { name: 'xtc_probability', gguf: 'xtc_probability', range: [0, 1] },
  { name: 'xtc_threshold', gguf: 'xtc_threshold', range: [0, 1] },
]

/** Of these, what rules have no part in where the file says that answers are not sampled. */
const WITHOUT_SAMPLING = ['repetition_penalty']

/** Of generation_config.json; with `do_sample: false` its values of sampling are unused by the original, too. */
export function recommendedInConfig(generation: Facts | undefined): Recommended | undefined {
  if (generation === undefined) return undefined
  const isGreedy = generation['do_sample'] === false
  return recommended(({ name, hf }) =>
    hf === undefined || (isGreedy && !WITHOUT_SAMPLING.includes(name)) ? undefined : generation[hf],
  )
}

/** Of a GGUF file's metadata. Mirostat is not taken over: it would put out rules that a request asks for. */
export function recommendedInGguf(
  metadata: Pick<ReadonlyMap<string, unknown>, 'get'>,
): Recommended | undefined {
  return recommended(({ gguf }) =>
    gguf === undefined ? undefined : metadata.get(`general.sampling.${gguf}`),
  )
}

/** The values within the range of their fields; undefined where there are none. */
function recommended(valueOf: (field: (typeof FIELDS)[number]) => unknown): Recommended | undefined {
  const values: Record<string, number> = {}
  for (const field of FIELDS) {
    const value = Number(valueOf(field) ?? NaN)
    const [least, most] = field.range
    // Files of 32 bits hold 0.95 as 0.949999988: the shortest number that is the same there was meant.
    if (value >= least && value <= most) values[field.name] = Number(value.toPrecision(7))
  }
  return Object.keys(values).length === 0 ? undefined : values
}
