// `npm run grammar-speed`: decoding with a schema beside decoding without, and what a schema does to the first token.
//
// Pairs are interleaved, so that what else the machine does falls on both. The prompt and the number of tokens are the same, and answers are
// mostly inside strings. Milliseconds are wall time: a quiet machine alone gives figures worth keeping.

import type { Local } from '../cli/lib/local.ts'
import { DEFAULT_SAMPLING, type GrammarSpec, type SamplingOptions } from '../src/protocol/generation.ts'
import type { SpeedOfGrammar } from './lib/grammar-speed-result.ts'
import { pairedSpeed, type PairedHead } from './lib/paired-speed.ts'
import { median } from './lib/results.ts'

const USAGE = `npm run grammar-speed -- [--model FOLDER] [--pairs N] [--tokens N] [--save]
  --model FOLDER  a packed model (models/smollm2-135m-instruct)
  --pairs N       of each way to sample (11)
  --tokens N      of each answer (128)
  --save          keeps docs/results/grammar-speed.json; then npm run docs`

const MODES: [mode: string, sampling: Partial<SamplingOptions>][] = [
  ['temperature 0', { temperature: 0 }],
  ['temperature 1', { temperature: 1 }],
  ['temperature 1, top_p 0.9', { temperature: 1, topP: 0.9 }],
]
const text = { type: 'string' }
/** Long strings that the limit of tokens does not reach. */
const LONG = {
  type: 'object',
  properties: { title: text, story: { ...text, minLength: 4000 } },
  required: ['story'],
}
const PROMPT = 'Write the story of a lighthouse and its keeper, as JSON with a title and the whole text.\n'

type Timing = { first: number; each: number }

/** Milliseconds to the first token, and of each that follows. */
async function time(
  local: Local,
  tokens: number,
  sampling: Partial<SamplingOptions>,
  grammar?: GrammarSpec,
): Promise<Timing> {
  const begin = performance.now()
  let [first, last, count] = [0, 0, 0]
  for await (const event of local.generate({
    prompt: { kind: 'text', text: PROMPT },
    maxTokens: tokens,
    ignoreEos: true,
    sampling: { ...DEFAULT_SAMPLING, ...sampling },
    ...(grammar && { grammar, close: false as const }),
  })) {
    if (event.type !== 'text') continue
    last = performance.now()
    if (count === 0) first = last
    count += event.ids.length
  }
  return { first: first - begin, each: (last - first) / Math.max(1, count - 1) }
}

const schemaOf = (schema: unknown): GrammarSpec => ({ kind: 'json_schema', schema: JSON.stringify(schema) })

/** Each is new to the cache of grammars. */
const TYPES = [
  text,
  { type: 'integer', minimum: 0 },
  { enum: ['low', 'middle', 'high'] },
  { type: 'array', items: text },
]
const twenty = (serial: number): GrammarSpec =>
  schemaOf({
    type: 'object',
    properties: Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`property_${i}`, TYPES[i % TYPES.length]]),
    ),
    required: ['property_0', 'property_5'],
    title: `${serial}`,
  })

async function measure(
  local: Local,
  pairs: number,
  tokens: number,
): Promise<Pick<SpeedOfGrammar, 'ratios' | 'firstToken'>> {
  const long = schemaOf(LONG)
  const ratios: SpeedOfGrammar['ratios'] = []
  for (const [mode, sampling] of MODES) {
    const [free, held]: [number[], number[]] = [[], []]
    for (let pair = -1; pair < pairs; pair++) {
      const seeded = { ...sampling, seed: pair + 1 }
      // Each goes first as often as the other; the first pair warms up.
      const order = pair % 2 === 0 ? [undefined, long] : [long, undefined]
      for (const grammar of order) {
        const { each } = await time(local, tokens, seeded, grammar)
        if (pair >= 0) (grammar === undefined ? free : held).push(each)
      }
    }
    const ratio = median(free.map((each, i) => each / held[i]))
    ratios.push({ mode, without: median(free), held: median(held), ratio })
    console.log(
      `${mode}: ${median(free).toFixed(2)} ms a token without, ${median(held).toFixed(2)} with: ${ratio.toFixed(3)}`,
    )
  }
  const [compiled, kept]: [number[], number[]] = [[], []]
  for (let pair = -1; pair < 2 * pairs; pair++) {
    const [free, fresh, again] = [undefined, twenty(pair), twenty(pair)]
    const firsts: number[] = []
    for (const grammar of [free, fresh, again]) firsts.push((await time(local, 2, {}, grammar)).first)
    if (pair < 0) continue
    compiled.push(firsts[1] - firsts[0])
    kept.push(firsts[2] - firsts[0])
  }
  return { ratios, firstToken: { compiled: median(compiled), kept: median(kept) } }
}

await pairedSpeed<Omit<SpeedOfGrammar, keyof PairedHead>>(
  { name: 'grammar-speed', usage: USAGE, tokens: 128 },
  async (local, pairs, tokens) => {
    const measured = await measure(local, pairs, tokens)
    const { compiled, kept } = measured.firstToken
    console.log(`first token: ${compiled.toFixed(1)} ms later when compiled, ${kept.toFixed(1)} when kept`)
    return { tokens, ...measured }
  },
)
