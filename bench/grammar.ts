// This bench measures what a grammar costs for each token: node bench/grammar.ts [MODEL FOLDER].
//
// Logits are made up: a random row for each place, with the next bytes of a text that fits made likely, so that most first
// candidates fit, as a model's do. Times are CPU time of the grammar alone: verdicts, passes, and taking the id.

import { readFileSync } from 'node:fs'
import { compileGrammar } from '../src/grammar/grammar.ts'
import { Matcher } from '../src/grammar/matcher.ts'
import { DEFAULT_SAMPLING, type GrammarSpec } from '../src/protocol/generation.ts'
import { createScratch } from '../src/sampling/candidates.ts'
import type { Constraint } from '../src/sampling/constrained.ts'
import { createSampler } from '../src/sampling/sampler.ts'
import { uniform } from '../src/sampling/random.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'

const folder = process.argv[2] ?? 'models/smollm2-135m-instruct'
const tokenizer = readTokenizer(readFileSync(`${folder}/tokenizer.bin`))
const vocab = tokenizer.vocabSize
const scratch = createScratch(vocab)

const json = (schema: unknown): GrammarSpec => ({ kind: 'json_schema', schema: JSON.stringify(schema) })
const text = { type: 'string' }
const SPECS: Record<string, [GrammarSpec, string]> = {
  person: [
    json({
      type: 'object',
      properties: { name: text, age: { type: 'integer' }, city: text },
      required: ['name', 'age', 'city'],
    }),
    '{"name": "Ada Lovelace", "age": 36, "city": "London, where the engine was to be built"}',
  ],
  counted: [
    json({ type: 'object', properties: { note: { ...text, maxLength: 200 } }, required: ['note'] }),
    '{"note": "The weather was fine in the morning, then clouds came in from the west and it rained until night."}',
  ],
  optional: [
    json({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 24 }, (_, i) => [`key_${i}`, { type: ['string', 'null'] }]),
      ),
    }),
    '{"key_0": "first", "key_3": null, "key_7": "another one", "key_20": "the last of them"}',
  ],
  list: [
    json({ type: 'array', items: { enum: Array.from({ length: 2000 }, (_, i) => `value ${i * 7}`) } }),
    '["value 7", "value 1400", "value 777", "value 13993"]',
  ],
  free: [
    { kind: 'json_object' },
    '{"title": "A walk", "steps": [1, 2.5, true, {"deep": [null, "x"]}], "rest": "nothing more"}',
  ],
  pattern: [
    { kind: 'regex', pattern: '([A-Z][a-z]+ )+is \\d+ years old\\.' },
    'Grace Brewster Murray Hopper is 85 years old.',
  ],
  ebnf: [
    { kind: 'ebnf', text: 'root ::= (line "\\n")+\nline ::= "- " [^\\n]+' },
    '- buy bread and milk\n- write to the editor\n- sleep until noon\n',
  ],
}
const MODES = {
  greedy: { temperature: 0 },
  sampled: { temperature: 1 },
  'top_p 0.9': { temperature: 1, topP: 0.9 },
}

/** A row in which `liked` leads by some, and thirty others are near. */
function rowOf(seed: number, liked: number): Float32Array {
  const row = Float32Array.from({ length: vocab }, (_, id) => 4 * uniform(seed, id) - 4)
  for (let i = 0; i < 30; i++) row[Math.floor(uniform(seed, vocab + i) * vocab)] += 8
  row[liked] += uniform(seed, vocab + 99) < 0.9 ? 14 : 4
  return row
}

/** Microseconds that this process has computed. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const quantile = (sorted: readonly number[], part: number): string =>
  sorted[Math.floor(part * (sorted.length - 1))].toFixed(0)

for (const [name, [spec, wanted]] of Object.entries(SPECS)) {
  const compiled = performance.now()
  const grammar = compileGrammar(spec)
  const compileMs = performance.now() - compiled
  for (const [mode, changes] of Object.entries(MODES)) {
    const times: number[] = []
    let asked = 0
    let passes = 0
    for (let seed = 0; seed < 4; seed++) {
      const bytes = new TextEncoder().encode(wanted)
      const matcher = new Matcher(grammar, tokenizer, { limit: 400 })
      let spent = 0
      let passFrom: number | undefined
      const constraint: Constraint = {
        verdict(id) {
          asked++
          const from = cpuTime()
          const verdict = matcher.verdict(id)
          spent += cpuTime() - from
          return verdict
        },
        pass() {
          passes++
          passFrom = cpuTime()
          return matcher.pass()
        },
      }
      const sampler = createSampler({ ...DEFAULT_SAMPLING, ...changes, seed }, { scratch, constraint })
      for (let at = 0, place = 0; at < bytes.length && !matcher.isDone; place++) {
        const liked = tokenizer.longestToken(bytes, at)
        const row = rowOf(1000 * seed + place, liked)
        const context = { position: place, prompt: new Set<number>(), generated: new Map<number, number>() }
        spent = 0
        passFrom = undefined
        sampler.sample(row, context)
        // A pass lasts until the id is chosen.
        if (passFrom !== undefined) spent += cpuTime() - passFrom
        const from = cpuTime()
        // The text goes on as it was wanted, whatever was chosen.
        matcher.accept(liked)
        times.push(spent + cpuTime() - from)
        at += tokenizer.tokenBytes(liked).length
      }
    }
    times.sort((a, b) => a - b)
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length
    console.log(
      `${name.padEnd(9)} ${mode.padEnd(10)} compiled in ${compileMs.toFixed(1)} ms; ${times.length} tokens, us a token: ` +
        `mean ${mean.toFixed(0)}, p50 ${quantile(times, 0.5)}, p90 ${quantile(times, 0.9)}, p99 ${quantile(times, 0.99)}, ` +
        `most ${quantile(times, 1)}; tried ${(asked / times.length).toFixed(2)}, passes ${((100 * passes) / times.length).toFixed(1)} %`,
    )
  }
}
