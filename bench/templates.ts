// `node bench/templates.ts` times a rendering of src/chat beside @huggingface/jinja's, in turns, each compiled before.
//
//   bench/templates.ts [--corpus FOLDER] [--save]
//
// The chat has 20 messages and 10 functions, the template is bench/prompts/hermes.jinja; `--corpus` adds the templates of
// FOLDER/templates/*.jinja that both sides render. `--save` writes docs/results/template-speed.json, of which `npm run docs`
// makes a line. Exit 1 above the limit.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { renderPrompt } from '../src/chat/template.ts'
import { compactJson, describeMachine, median, printTable } from './lib/results.ts'
import { BENCH, BenchError, installPackages, packageVersion, ROOT } from './lib/setup.ts'
import { TEMPLATE_LIMIT, type TemplateResult } from './lib/template-result.ts'

const PACKAGE = '@huggingface/jinja'
const VERSION = '0.5.11'
const RESULT = join(ROOT, 'docs/results/template-speed.json')
const [MESSAGES, FUNCTIONS] = [20, 10]

const ROUNDS = 31
/** Of one side, before the other has its turn. */
const A_ROUND = 20
/** Rounds and renderings a round of each public template. */
const CORPUS = { rounds: 5, aRound: 4 }

type Library = { Template: new (source: string) => { render(context: Record<string, unknown>): string } }
type Sides = Record<'library' | 'islet', () => string>

const tools = Array.from({ length: FUNCTIONS }, (_, i) => ({
  type: 'function',
  function: {
    name: `look_up_${i}`,
    description: `Looks a thing of kind ${i} up, and says where it was found and when.`,
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string', description: 'City and country, such as "Bonn, Germany"' },
        unit: { type: 'string', enum: ['metric', 'imperial'], default: 'metric' },
        days: { type: 'integer', minimum: 1, maximum: 14 },
        within: { type: 'array', items: { type: 'number' }, description: 'Bounds, in degrees' },
      },
      required: ['place', 'days'],
    },
  },
}))

/** A system message, then questions, each with a call, its result and an answer, and a last question. */
const messages = Array.from({ length: MESSAGES }, (_, i): Record<string, unknown> => {
  if (i === 0)
    return { role: 'system', content: 'You answer in few words, and look up what you do not know.' }
  const turn = Math.floor((i - 1) / 4)
  const id = `call0000${turn}`
  const call = { name: `look_up_${turn}`, arguments: { place: 'Bonn, Germany', days: turn + 1 } }
  if (i === MESSAGES - 1) return { role: 'user', content: 'And what does that mean for tomorrow?' }
  switch ((i - 1) % 4) {
    case 0:
      return { role: 'user', content: `What is it like there, and how will it be in ${turn + 2} days?\n` }
    case 1:
      return { role: 'assistant', content: '', tool_calls: [{ id, type: 'function', function: call }] }
    case 2:
      return { role: 'tool', tool_call_id: id, content: `{"sky": "clear", "degrees": [${turn}, 12.5]}` }
    default:
      return { role: 'assistant', content: `Clear, ${turn} to 12.5 degrees. ${'It stays so. '.repeat(12)}` }
  }
})

function sidesOf(source: string, { Template }: Library): Sides {
  const template = new Template(source)
  const context = {
    ...{ messages, tools, add_generation_prompt: true, documents: null, bos_token: '<s>', eos_token: '</s>' },
  }
  return {
    library: () => template.render(context),
    islet: () => renderPrompt(source, messages, { tools, bosToken: '<s>', eosToken: '</s>' }),
  }
}

/** Milliseconds a rendering, by round: the sides take turns, and who is first changes. */
function inTurns(sides: Sides, rounds: number, aRound: number): Record<keyof Sides, number[]> {
  const times: Record<keyof Sides, number[]> = { library: [], islet: [] }
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? (['library', 'islet'] as const) : (['islet', 'library'] as const)) {
      const start = performance.now()
      for (let i = 0; i < aRound; i++) sides[side]()
      times[side].push((performance.now() - start) / aRound)
    }
  }
  return times
}

function measureOwn(library: Library): TemplateResult['own'] {
  const sides = sidesOf(readFileSync(join(BENCH, 'prompts/hermes.jinja'), 'utf8'), library)
  if (sides.library() !== sides.islet()) throw new BenchError('the two sides render different prompts')
  inTurns(sides, 4, 100)
  const rounds = inTurns(sides, ROUNDS, A_ROUND)
  return { library: median(rounds.library), islet: median(rounds.islet), rounds }
}

function measureCorpus(folder: string, library: Library): NonNullable<TemplateResult['corpus']> {
  const ratios: number[] = []
  for (const name of readdirSync(join(folder, 'templates')).sort()) {
    let sides: Sides
    try {
      sides = sidesOf(readFileSync(join(folder, 'templates', name), 'utf8'), library)
      for (let i = 0; i < 5; i++) for (const render of Object.values(sides)) render()
    } catch {
      continue
    }
    const times = inTurns(sides, CORPUS.rounds, CORPUS.aRound)
    ratios.push(median(times.islet) / median(times.library))
  }
  if (ratios.length === 0) throw new BenchError(`${folder} has no template that both sides render`)
  ratios.sort((a, b) => a - b)
  const at = (share: number): number => ratios[Math.floor(share * (ratios.length - 1))]
  return {
    templates: ratios.length,
    ...{ median: median(ratios), tenth: at(0.1), ninetieth: at(0.9), worst: at(1) },
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { corpus: { type: 'string' }, save: { type: 'boolean' } } })
  const machine = await describeMachine()
  const entry = pathToFileURL(join(installPackages(), PACKAGE, 'dist/index.js')).href
  if (packageVersion(PACKAGE) !== VERSION)
    throw new BenchError(`${PACKAGE} ${VERSION} is what this compares with`)
  const library = (await import(entry)) as Library
  const own = measureOwn(library)
  const corpus = values.corpus === undefined ? undefined : measureCorpus(values.corpus, library)
  const result: TemplateResult = {
    ...{ machine, library: VERSION, messages: MESSAGES, functions: FUNCTIONS, own },
    ...(corpus !== undefined && { corpus }),
  }
  const ratio = own.islet / own.library
  printTable(
    ['ms a rendering', 'library', 'ours', 'times'],
    [['hermes.jinja', own.library.toFixed(3), own.islet.toFixed(3), ratio.toFixed(2)]],
  )
  if (corpus !== undefined) console.log(JSON.stringify(corpus))
  if (values.save === true) writeFileSync(RESULT, `${compactJson(result)}\n`)
  if (ratio > TEMPLATE_LIMIT) throw new BenchError(`${ratio.toFixed(2)} times, allowed ${TEMPLATE_LIMIT}`)
}

await main().catch((error: unknown) => {
  if (!(error instanceof BenchError)) throw error
  console.error(`templates: ${error.message}`)
  process.exitCode = 1
})
