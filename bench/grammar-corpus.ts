// `npm run grammar -- CORPUS`: a public corpus of JSON Schemas through the grammar and a model, judged by ajv.
//
// Of every schema: does it compile, how long does that take, which of its instances does it accept, and where it is refused, does the
// pointer name something. Of some of them one answer each of a packed model at temperature 1: whatever is finished must validate.
// The corpus is MaskBench, of which nothing is committed: https://github.com/guidance-ai/jsonschemabench, folder maskbench/data. One line
// a file makes the input: {"name": PATH, "text": WHAT IS IN IT}.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openLocal } from '../cli/lib/local.ts'
import { GrammarError } from '../src/grammar/grammar-error.ts'
import { DEFAULT_BOUNDS } from '../src/grammar/grammar.ts'
import { compileSchema } from '../src/grammar/schema/compile.ts'
import { Matcher } from '../src/grammar/matcher.ts'
import type { Term } from '../src/grammar/term.ts'
import { windowOptions } from '../src/cache/window.ts'
import { writeExactJson } from '../src/lib/exact-json.ts'
import { DEFAULT_SAMPLING } from '../src/protocol/generation.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import { judgeOf, pointerExists, readCorpus, textsOf, type CorpusEntry } from './lib/corpus.ts'
import { reasonOf } from './lib/corpus-reasons.ts'
import type { CorpusAnswers, CorpusResult, Times } from './lib/corpus-result.ts'
import { describeMachine } from './lib/results.ts'
import { ROOT } from './lib/setup.ts'

const RESULTS = `${ROOT}/docs/results/grammar-corpus.json`
const USAGE = `npm run grammar -- CORPUS [--model FOLDER] [--answers N] [--save]
  --model FOLDER  a packed model that answers (models/smollm2-135m-instruct)
  --answers N     schemas that it answers, evenly spread over all that compile (1000)
  --save          keeps docs/results/grammar-corpus.json, other models' answers in it; then npm run docs`

/** Tokens of an answer beyond the shortest one: enough for a value or two in each of its first members. */
const ROOM = 40
/** Longer shortest answers are left out: they are mostly forced. */
const MOST_LEAST = 400

type Compiled = CorpusEntry & { text: string }

const encoder = new TextEncoder()

function takes(start: Term, text: string): boolean {
  const end = start.terms.advance(start, encoder.encode(text))
  return end !== start.terms.nothing && end.shortest === 0
}

function timesOf(values: number[]): Times {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): number => Math.round(100 * sorted[Math.floor(part * (sorted.length - 1))]) / 100
  return { p50: at(0.5), p99: at(0.99), most: at(1) }
}

async function readAll(
  path: string,
): Promise<{ compiled: Compiled[]; result: Omit<CorpusResult, 'machine' | 'answers'> }> {
  const compiled: Compiled[] = []
  const times: number[] = []
  const refusals = new Map<string, number>()
  const result = {
    schemas: 0,
    compiled: 0,
    refusals: [] as CorpusResult['refusals'],
    badPointers: [] as string[],
    invalid: { all: 0, accepted: [] as string[] },
    valid: { all: 0, accepted: 0, bounded: 0 },
  }
  for await (const entry of readCorpus(path)) {
    result.schemas++
    const text = writeExactJson(entry.schema)
    const begin = performance.now()
    try {
      const bounded = compileSchema(text, DEFAULT_BOUNDS).start
      times.push(performance.now() - begin)
      const { start } = compileSchema(text)
      for (const { isValid, data } of entry.tests) {
        const texts = textsOf(data, entry.schema)
        const isTaken = texts.some((each) => takes(start, each))
        if (isValid) {
          result.valid.all++
          if (isTaken) result.valid.accepted++
          if (texts.some((each) => takes(bounded, each))) result.valid.bounded++
        } else {
          result.invalid.all++
          if (isTaken) result.invalid.accepted.push(`${entry.name}: ${texts[0].slice(0, 200)}`)
        }
      }
      compiled.push({ ...entry, text })
    } catch (error) {
      if (!(error instanceof GrammarError))
        throw new Error(`${entry.name} ends in no refusal`, { cause: error })
      times.push(performance.now() - begin)
      const { message, pointer } = error
      // Kinds, not cases.
      const kind = message.replace(/".*"|\d[\d,]*/gs, '…').slice(0, 80)
      refusals.set(kind, (refusals.get(kind) ?? 0) + 1)
      if (!pointerExists(entry.schema, pointer))
        result.badPointers.push(`${entry.name}#${pointer}: ${message}`)
    }
  }
  result.compiled = compiled.length
  result.refusals = [...refusals]
    .map(([message, count]) => ({ message, count }))
    .sort((a, b) => b.count - a.count)
  return { compiled, result: { ...result, compileMs: timesOf(times) } }
}

/** One answer of the model to each. */
async function answersOf(folder: string, entries: readonly Compiled[]): Promise<CorpusAnswers> {
  const local = await openLocal(folder, windowOptions([0], 4))
  const tokenizer = readTokenizer(readFileSync(`${folder}/tokenizer.bin`))
  const found: CorpusAnswers = {
    asked: 0,
    whole: 0,
    closedEarly: 0,
    tokens: 0,
    unjudged: 0,
    refusedByAjv: [],
  }
  for (const { name, schema, text } of entries) {
    const { leastTokens } = new Matcher({ ...compileSchema(text, DEFAULT_BOUNDS) }, tokenizer)
    if (leastTokens > MOST_LEAST) continue
    let answer = ''
    for await (const event of local.generate({
      prompt: { kind: 'text', text: 'An example as JSON:\n' },
      grammar: { kind: 'json_schema', schema: text },
      maxTokens: leastTokens + ROOM,
      sampling: { ...DEFAULT_SAMPLING, seed: found.asked },
    })) {
      if (event.type === 'text') answer += event.text
      if (event.type !== 'finish') continue
      found.tokens += event.usage.completionTokens
      if (event.closedEarly === true) found.closedEarly++
      if (event.reason !== 'stop') throw new Error(`${name}: an answer ended by ${event.reason}`)
    }
    found.asked++
    if (found.asked % 100 === 0) console.error(`${found.asked} of ${entries.length} answers`)
    let judge
    try {
      judge = judgeOf(schema)
    } catch {
      found.unjudged++
      continue
    }
    const says = judge(JSON.parse(answer))
    if (says === undefined) found.whole++
    else
      found.refusedByAjv.push({
        name,
        says: `${says}: ${answer.slice(0, 160)}`,
        reason: reasonOf(says, text),
      })
  }
  return found
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string' }, answers: { type: 'string' }, save: { type: 'boolean' } },
})
if (positionals.length !== 1) {
  console.error(USAGE)
  process.exit(2)
}
const folder = values.model ?? `${ROOT}/models/smollm2-135m-instruct`
const { compiled, result } = await readAll(positionals[0])
console.log(JSON.stringify(result, undefined, 2))
const wanted = Number(values.answers ?? 1000)
const spread = compiled.filter((_, i) => Math.floor((i * wanted) / compiled.length) !== Math.floor(((i + 1) * wanted) / compiled.length)) // prettier-ignore
const answers = wanted === 0 ? {} : { [folder.split('/').at(-1) ?? folder]: await answersOf(folder, spread) }
console.log(JSON.stringify(answers, undefined, 2))
if (values.save === true) {
  const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as CorpusResult) : undefined
  const kept: CorpusResult = {
    machine: await describeMachine(),
    ...result,
    answers: { ...before?.answers, ...answers },
  }
  writeFileSync(RESULTS, `${JSON.stringify(kept, undefined, 1)}\n`)
}
