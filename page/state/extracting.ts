// An extraction runs here: what a person wrote, the request that it makes, and the object as it fills in.

import { batch, computed, effect, signal } from '@preact/signals'
import { events } from '../client/events.ts'
import { call, ServerError } from '../client/server.ts'
import { EXTRACT_EXAMPLES, type ExtractExample, type Shot } from './examples.ts'
import { extractBody, refusedAt, schemaOf, type Fault } from './extract-request.ts'
import { growth, lastRequest, session, tokens, type Token } from './focus.ts'
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

export const text = signal('')
export const schema = signal('')
export const shot = signal<Shot | undefined>(undefined)
export const answer = signal<Answer | undefined>(undefined)
export const extraction = task()
/** What the server said against the schema, until that is edited. */
const refused = signal<{ of: string; fault: Fault } | undefined>(undefined)

const PATH = '/v1/chat/completions'

const read = computed(() => schemaOf(schema.value))

/** It is the server that says so. */
export const isRefused = computed(() => refused.value?.of === schema.value)

/** What is wrong with the schema, with its place. */
export const fault = computed<Fault | undefined>(() =>
  'fault' in read.value ? read.value.fault : isRefused.value ? refused.value?.fault : undefined,
)

/** The body of the request that a run would send; undefined while the schema is no JSON. */
export const body = computed<Record<string, unknown> | undefined>(() =>
  'fault' in read.value
    ? undefined
    : extractBody({
        model: model.value?.id,
        text: text.value,
        schema: read.value.schema,
        shot: shot.value,
        systemPrompt: systemPrompt.value,
        sampling: samplingBody(),
        alternatives: hoodOpen.value ? 5 : 0,
      }),
)

export function takeExample(example: ExtractExample): void {
  extraction.stop()
  batch(() => {
    text.value = example.text
    schema.value = example.schema
    shot.value = example.shot
    answer.value = refused.value = undefined
    extraction.failure.value = ''
  })
}

takeExample(EXTRACT_EXAMPLES[0])

effect(() => {
  if (tab.value !== 'extract') return
  lastRequest.value = body.value && { method: 'POST', path: PATH, body: body.value }
})

/** At temperature 0 all seeds give the same answer. */
const VARIED = 0.7

/** Sends the request; `varied`: with a new seed, and a temperature at which that makes a difference. */
export async function run(varied = false): Promise<void> {
  const wanted = body.peek()
  if (wanted === undefined) return
  const of = schema.peek()
  const sent = varied
    ? { ...wanted, seed: Math.floor(Math.random() * 2 ** 32), temperature: wanted['temperature'] || VARIED }
    : wanted
  const startedAt = performance.now()
  const made: Answer = { sent, runs: [], tokens: [], count: 0, forced: 0, startedAt, firstMs: 0, ms: 0 }
  await extraction.run(
    async (signal) => {
      batch(() => {
        answer.value = made
        refused.value = undefined
        tokens.value = []
      })
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
      refused.value = fault && { of, fault }
      return fault !== undefined
    },
  )
}

type Entry = { token: string; logprob: number; islet_forced?: boolean; top_logprobs?: Entry[] }
type Chunk = {
  choices?: { delta?: { content?: string }; logprobs?: { content?: Entry[] } | null }[]
  islet?: { session?: string; closed_early?: boolean; ignored?: string[] }
  error?: { message: string; code?: string }
}

async function follow(made: Answer, signal: AbortSignal): Promise<void> {
  const response = await call(server.peek(), PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(made.sent),
    signal,
  })
  session.value = response.headers.get('x-islet-session') ?? undefined
  for await (const { data } of events(response, signal)) {
    if (data === '[DONE]') return
    const { choices = [], islet, error } = JSON.parse(data) as Chunk
    if (error !== undefined) throw new ServerError(200, error.code ?? '', error.message)
    for (const { delta, logprobs } of choices) take(made, delta?.content, logprobs?.content ?? [])
    if (islet !== undefined) {
      session.value = islet.session ?? session.peek()
      made.closedEarly = islet.closed_early
      made.ignored = islet.ignored
    }
    draw(made)
  }
}

function take(made: Answer, text: string | undefined, entries: readonly Entry[]): void {
  const forced = entries.filter(({ islet_forced }) => islet_forced).length
  made.count += entries.length
  made.forced += forced
  if (hoodOpen.peek()) made.tokens.push(...entries.map(tokenOf))
  if (!text) return
  made.firstMs ||= performance.now() - made.startedAt
  add(made.runs, text, forced > 0 && forced === entries.length)
}

function tokenOf({ token, logprob, top_logprobs = [] }: Entry): Token {
  return { text: token, logprob, top: top_logprobs.map(tokenOf) }
}

let isDue = false

/** Lets the views draw in the next frame, once however much has come. */
function draw(made: Answer): void {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    if (answer.peek()?.runs !== made.runs) return
    batch(() => {
      answer.value = { ...made }
      growth.value++
      tokens.value = [...made.tokens]
    })
  })
}
