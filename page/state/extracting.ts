// An extraction runs here: what a person wrote, the request that it makes, and the object as it fills in.

import { batch, computed, effect, signal } from '@preact/signals'
import { events } from '../client/events.ts'
import { call, ServerError } from '../client/server.ts'
import { EXTRACT_EXAMPLES, type ExtractExample, type Shot } from './examples.ts'
import { extractBody, refusedAt, schemaOf, type Fault } from './extract-request.ts'
import { growth, lastRequest, session, tokens, type Token } from './focus.ts'
import { add, JsonReader, type Run } from './partial-json.ts'
import { hoodOpen, tab } from './preferences.ts'
import { samplingBody, systemPrompt } from './sampling.ts'
import { model, server, tell } from './server.ts'

export type Phase = 'idle' | 'running' | 'done' | 'stopped' | 'failed'

/** An answer as it comes; it is changed in place, and `drawn` goes up. */
export type Answer = {
  reader: JsonReader
  /** Its text as it came, in tokens of one kind. */
  runs: Run[]
  /** Tokens of it, and how many of these the schema wrote. */
  count: number
  forced: number
  startedAt: number
  /** Milliseconds to its first token, and to its end. */
  firstMs?: number
  ms?: number
  seed?: number
  temperature: number
  /** It was led to its end before the limit of tokens. */
  closedEarly: boolean
  /** What of the schema says nothing to the server. */
  ignored: readonly string[]
}

export const text = signal('')
export const schema = signal('')
export const shot = signal<Shot | undefined>(undefined)
export const phase = signal<Phase>('idle')
export const answer = signal<Answer | undefined>(undefined)
/** Goes up when the answer has changed, at most once a frame. */
export const drawn = signal(0)
/** What the server said against the schema, until that is edited. */
const refused = signal<{ of: string; fault: Fault } | undefined>(undefined)
/** What went wrong otherwise. */
export const failure = signal<string | undefined>(undefined)

const read = computed(() => schemaOf(schema.value))

/** What is wrong with the schema, with its place. */
export const fault = computed<Fault | undefined>(() => {
  if ('fault' in read.value) return read.value.fault
  return refused.value?.of === schema.value ? refused.value.fault : undefined
})

/** It is the server that says so. */
export const isRefused = computed(() => fault.value !== undefined && fault.value === refused.value?.fault)

/** The body of the request that a run would send; undefined while the schema is no JSON. */
export const body = computed<Record<string, unknown> | undefined>(() => {
  if ('fault' in read.value) return undefined
  return extractBody({
    model: model.value?.id,
    text: text.value,
    schema: read.value.schema,
    shot: shot.value,
    systemPrompt: systemPrompt.value,
    sampling: samplingBody(),
    alternatives: hoodOpen.value ? 5 : 0,
  }) as Record<string, unknown>
})

let running: AbortController | undefined

export function takeExample(example: ExtractExample): void {
  stop()
  batch(() => {
    text.value = example.text
    schema.value = example.schema
    shot.value = example.shot
    answer.value = failure.value = refused.value = undefined
    phase.value = 'idle'
  })
}

takeExample(EXTRACT_EXAMPLES[0])

effect(() => {
  if (tab.value !== 'extract') return
  lastRequest.value = body.value && { method: 'POST', path: '/v1/chat/completions', body: body.value }
})

export function stop(): void {
  running?.abort()
}

/** At temperature 0 all seeds give the same answer. */
const VARIED = 0.7

/** Sends the request; `varied`: with a new seed, and a temperature at which that makes a difference. */
export async function run(varied = false): Promise<void> {
  stop()
  const sent = body.peek()
  if (sent === undefined) return
  const written = schema.peek()
  const seed = varied ? Math.floor(Math.random() * 2 ** 32) : undefined
  const wanted = sent['temperature'] as number
  const temperature = varied && wanted === 0 ? VARIED : wanted
  const { signal } = (running = new AbortController())
  const made: Answer = {
    ...{ reader: new JsonReader(), runs: [], count: 0, forced: 0, closedEarly: false, ignored: [] },
    startedAt: performance.now(),
    temperature,
    ...(seed !== undefined && { seed }),
  }
  batch(() => {
    answer.value = made
    phase.value = 'running'
    failure.value = refused.value = undefined
    tokens.value = []
  })
  try {
    await follow(made, varied ? { ...sent, seed, temperature } : sent, signal)
    if (signal.aborted) return
    if (!made.reader.end()) throw new ServerError(200, 'cut', 'The answer broke off before it was whole.')
    phase.value = 'done'
  } catch (error) {
    if (signal.aborted) {
      if (answer.peek() === made) phase.value = 'stopped'
      return
    }
    batch(() => {
      phase.value = 'failed'
      if (!(error instanceof ServerError)) failure.value = 'The connection broke off.'
      else {
        const place = refusedAt(written, error.param, error.message)
        if (place !== undefined) refused.value = { of: written, fault: place }
        else failure.value = error.message
        if (error.status !== 200 && error.status !== 400) tell(error)
      }
    })
  } finally {
    made.ms = performance.now() - made.startedAt
    draw()
  }
}

type Entry = { token: string; logprob: number; islet_forced?: boolean; top_logprobs?: Entry[] }
type Chunk = {
  choices?: { delta?: { content?: string }; logprobs?: { content?: Entry[] } | null }[]
  islet?: { session?: string; closed_early?: boolean; ignored?: string[] }
  error?: { message: string; code?: string }
}

async function follow(made: Answer, sent: object, signal: AbortSignal): Promise<void> {
  const response = await call(server.peek(), '/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sent),
    signal,
  })
  session.value = response.headers.get('x-islet-session') ?? undefined
  for await (const { data } of events(response, signal)) {
    if (data === '[DONE]') return
    const { choices, islet, error } = JSON.parse(data) as Chunk
    if (error !== undefined) throw new ServerError(200, error.code ?? '', error.message)
    for (const { delta, logprobs } of choices ?? []) take(made, delta?.content ?? '', logprobs?.content ?? [])
    if (islet !== undefined) {
      session.value = islet.session ?? session.peek()
      made.closedEarly = islet.closed_early === true
      made.ignored = islet.ignored ?? []
    }
    draw()
  }
}

function take(made: Answer, text: string, entries: readonly Entry[]): void {
  const isForced = entries.length > 0 && entries.every(({ islet_forced }) => islet_forced === true)
  made.count += entries.length
  made.forced += entries.filter(({ islet_forced }) => islet_forced === true).length
  if (text !== '') {
    made.firstMs ??= performance.now() - made.startedAt
    made.reader.push(text, isForced)
    add(made, text, isForced)
  }
  if (hoodOpen.peek()) pending.push(...entries.map(tokenOf))
}

function tokenOf({ token, logprob, top_logprobs = [] }: Entry): Token {
  return { text: token, logprob, top: top_logprobs.map((top) => ({ text: top.token, logprob: top.logprob })) }
}

const pending: Token[] = []
let isDue = false

/** Lets the views draw in the next frame, once however much has come; where there are no frames, soon. */
function draw(): void {
  if (isDue) return
  isDue = true
  const frame = (): void => {
    isDue = false
    batch(() => {
      drawn.value++
      growth.value++
      if (pending.length > 0) tokens.value = [...tokens.peek(), ...pending.splice(0)]
    })
  }
  if (typeof requestAnimationFrame === 'function') requestAnimationFrame(frame)
  else setTimeout(frame)
}

/** The answer as it stands, for the clipboard: JSON as it was written. */
export function rawText(): string {
  return (answer.peek()?.runs ?? []).map((run) => run.text).join('')
}
