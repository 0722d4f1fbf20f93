// An extraction runs here: what a person wrote, the request that it makes, and the object as it fills in.

import van from 'vanjs-core'
import { events } from '../client/events.ts'
import { post, ServerError } from '../client/server.ts'
import { EXTRACT_EXAMPLES, type ExtractExample, type Shot } from './examples.ts'
import { extractBody, refusedAt, schemaOf, type Fault } from './extract-request.ts'
import { growth, lastRequest, session, tokens, type Token } from './focus.ts'
import { frameOf, type Frame } from './frames.ts'
import { add, readJson, textOf, type Run } from './partial-json.ts'
import { hoodOpen, tab } from './preferences.ts'
import { samplingBody, systemPrompt } from './sampling.ts'
import { model, server } from './server.ts'
import { task } from './task.ts'

/** An answer as it comes; the signal gets a copy of it, at most once a frame. */
export type Answer = {
  /** The body of its request. */
  sent: Record<string, unknown>
  /** Its text as it came, in tokens of one kind. */
  runs: Run[]
  /** Those that the view under the hood shows. */
  tokens: Token[]
  /** Tokens of it, and how many of these the schema wrote. */
  count: number
  forced: number
  startedAt: number
  /** Milliseconds to its first token, and to its end. */
  firstMs: number
  ms: number
  state?: 'done' | 'stopped'
  /** It was led to its end before the limit of tokens. */
  closedEarly?: boolean
  /** What of the schema says nothing to the server. */
  ignored?: readonly string[]
}

export const text = van.state('')
export const schema = van.state('')
export const shot = van.state<Shot | undefined>()
export const answer = van.state<Answer | undefined>()
export const extraction = task()
/** What the server said against the schema, until that is edited. */
const refused = van.state<{ of: string; fault: Fault } | undefined>()

const PATH = '/v1/chat/completions'

const read = (): ReturnType<typeof schemaOf> => schemaOf(schema.val)

/** It is the server that says so. */
export const isRefused = (): boolean => refused.val?.of === schema.val

/** What is wrong with the schema, with its place. */
export function fault(): Fault | undefined {
  const schema = read()
  return 'fault' in schema ? schema.fault : isRefused() ? refused.val?.fault : undefined
}

/** The body of the request that a run would send; undefined while the schema is no JSON. */
export function body(): Record<string, unknown> | undefined {
  const given = read()
  if ('fault' in given) return undefined
  return extractBody({
    model: model.val?.id,
    text: text.val,
    schema: given.schema,
    shot: shot.val,
    systemPrompt: systemPrompt.val,
    sampling: samplingBody(),
    alternatives: hoodOpen.val ? 5 : 0,
  })
}

export function takeExample(example: ExtractExample): void {
  extraction.stop()
  text.val = example.text
  schema.val = example.schema
  shot.val = example.shot
  answer.val = refused.val = undefined
  extraction.failure.val = ''
}

takeExample(EXTRACT_EXAMPLES[0])

van.derive(() => {
  if (tab.val !== 'extract') return
  const next = body()
  lastRequest.val = next && { path: PATH, body: next }
})

/** At temperature 0 all seeds give the same answer. */
const VARIED = 0.7

/** Sends the request; `varied`: with a new seed, and a temperature at which that makes a difference. */
export async function run(varied = false): Promise<void> {
  const wanted = body()
  if (wanted === undefined) return
  const of = schema.rawVal
  const sent = varied
    ? { ...wanted, seed: Math.floor(Math.random() * 2 ** 32), temperature: wanted['temperature'] || VARIED }
    : wanted
  const startedAt = performance.now()
  const made: Answer = { sent, runs: [], tokens: [], count: 0, forced: 0, startedAt, firstMs: 0, ms: 0 }
  await extraction.run(
    async (signal) => {
      answer.val = made
      refused.val = undefined
      tokens.val = []
      signal.onabort = () => (made.state ??= 'stopped')
      try {
        await follow(made, signal)
        if (!readJson(`${textOf(made.runs)} `).isWhole)
          throw new ServerError(200, 'cut', 'The answer broke off.')
        made.state = 'done'
      } finally {
        made.ms = performance.now() - startedAt
        draw(made)
      }
    },
    (error) => {
      const { param, message } = error as ServerError
      const fault = refusedAt(of, param, message)
      refused.val = fault && { of, fault }
      return fault !== undefined
    },
  )
}

async function follow(made: Answer, signal: AbortSignal): Promise<void> {
  const response = await post(server(), PATH, made.sent, signal)
  session.val = response.headers.get('x-islet-session') ?? undefined
  for await (const { data } of events(response, signal)) {
    const frame = frameOf(data)
    const { error, islet } = frame
    if (frame.isLast) return
    if (error) throw new ServerError(200, error.code, error.message)
    take(made, frame)
    if (islet) {
      session.val = islet.session ?? session.rawVal
      made.closedEarly = islet.closed_early
      made.ignored = islet.ignored
    }
    draw(made)
  }
}

function take(made: Answer, { text, tokens, forced }: Frame): void {
  made.count += tokens.length
  made.forced += forced
  if (hoodOpen.val) made.tokens.push(...tokens)
  if (!text) return
  made.firstMs ||= performance.now() - made.startedAt
  add(made.runs, text, forced > 0 && forced === tokens.length)
}

let isDue = false

/** Lets the views draw in the next frame, once however much has come. */
function draw(made: Answer): void {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    if (answer.rawVal?.runs !== made.runs) return
    answer.val = { ...made }
    growth.val++
    tokens.val = [...made.tokens]
  })
}
