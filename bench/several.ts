// `npm run several`: the peak of the isolate with eight sessions at once, which fill the pool together, with and without
// a schema of 20 properties for each, into docs/results/several.json. Half of the answers are streamed. Each has one answer, and
// again three, one after the other: garbage that waits for the host grows with what is said.

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HeapSampler, heapTotal } from '../tools/inspector.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { compactJson, describeMachine } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { SEVERAL_FILE, type SeveralCase, type SeveralResult } from './lib/several-result.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'

const SESSIONS = 8
const ANSWERS = [1, 3]
/** Of each answer. Behind prompts of 41, a page of which is shared, eight sessions have 73 pages: the pool's 68, and some turns wait at their end. */
const TOKENS = 110
const PROPERTIES = 20
const WINDOW = 1024
const RUNS = 3
const SAMPLE_MS = 50

/** A schema of its own for each session. */
function schemaOf(session: number): object {
  // Names are short, so that the shortest object fits an answer's tokens: each is closed in time.
  const names = Array.from({ length: PROPERTIES }, (_, i) => String.fromCharCode(97 + ((i + session) % 26)))
  const properties = Object.fromEntries(
    names.map((name, i) => [name, i % 4 === 3 ? { type: 'integer' } : { type: 'string', maxLength: 12 + i }]),
  )
  return { type: 'object', properties, required: names, additionalProperties: false }
}

function bodyOf(session: number, answer: number, withSchema: boolean): object {
  const topic = ['rivers', 'bread', 'clocks', 'whales', 'bridges', 'paper', 'gardens', 'stars'][session]
  return {
    model: MODEL,
    messages: [{ role: 'user', content: `Write a long story about ${topic}, part ${answer + 1}.` }],
    max_tokens: TOKENS,
    temperature: 0,
    stream: session % 2 === 0,
    ...(withSchema && {
      response_format: { type: 'json_schema', json_schema: { name: 'story', schema: schemaOf(session) } },
    }),
  }
}

async function measured(
  withSchema: boolean,
  answers: number,
): Promise<{ peak: number; held: number; linear: number }> {
  const worker = await startIslet({ WINDOW })
  try {
    const ask = async (session: number, answer: number): Promise<void> => {
      const body = JSON.stringify(bodyOf(session, answer, withSchema))
      const response = await fetch(`${worker.url}/v1/chat/completions`, { method: 'POST', body })
      const text = await response.text()
      if (!response.ok || text.includes('"error"')) throw new BenchError(text.slice(0, 300))
    }
    const sampler = await HeapSampler.connect(worker.inspector, SAMPLE_MS)
    sampler.start()
    const sessions = Array.from({ length: SESSIONS }, async (_, session) => {
      for (let answer = 0; answer < answers; answer++) await ask(session, answer)
    })
    await Promise.all(sessions)
    const { linear_memory_bytes: linear } = await untilHealthy(worker)
    const held = heapTotal(await sampler.stopAndCollect(() => untilHealthy(worker)))
    if (typeof linear !== 'number') throw new BenchError('GET /health has no linear_memory_bytes')
    return { peak: linear + heapTotal(sampler.peak()), held: linear + held, linear }
  } finally {
    await worker.stop()
  }
}

async function worst(withSchema: boolean, answers: number): Promise<SeveralCase> {
  const runs = []
  for (let i = 0; i < RUNS; i++) {
    console.error(
      `several: ${withSchema ? 'schemas' : 'no schema'}, answers ${answers}, run ${i + 1} of ${RUNS}`,
    )
    runs.push(await measured(withSchema, answers))
  }
  const most = (of: readonly number[]): number => Math.max(...of)
  const peaks = runs.map(({ peak }) => peak)
  return {
    withSchema,
    answers,
    peaks,
    peak: most(peaks),
    held: most(runs.map(({ held }) => held)),
    linear: runs[0].linear,
  }
}

async function main(): Promise<void> {
  prepareModel()
  const machine = await describeMachine()
  const cases = []
  for (const withSchema of [false, true])
    for (const answers of ANSWERS) cases.push(await worst(withSchema, answers))
  const result: SeveralResult = {
    machine,
    model: MODEL,
    window: WINDOW,
    sessions: SESSIONS,
    tokens: TOKENS,
    cases,
  }
  for (const { withSchema, answers, peak, held } of cases)
    console.log(
      `${withSchema ? 'schemas' : 'no schema'}, ${answers}: peak ${peak / 1e6} MB, held ${held / 1e6} MB`,
    )
  if (!process.argv.includes('--trial')) writeFileSync(SEVERAL_FILE, compactJson(result))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
