// A run asks for one answer, writes its frames into the message, and reads on where the stream broke off.

import { events } from '../client/events.ts'
import { call, post, ServerError, type Server } from '../client/server.ts'
import { type Token } from './focus.ts'
import { frameOf, parsed, type Frame } from './frames.ts'
import { type Message } from './tree.ts'

/** What the run takes of the world around it. */
export type Clock = {
  /** Milliseconds. */
  now(): number
  /** Calls back before the next picture is drawn. */
  frame(callback: () => void): void
  /** Resolves after some milliseconds, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** What a person is told while nothing comes, and when the next try is, in milliseconds of the clock. */
export type Notice = { text: string; until?: number }

export type Hooks = {
  /** The message has grown; at most once a picture. */
  grew(tokens: readonly Token[]): void
  /** What there is of the message should be stored. */
  save(): void
  tell(notice: Notice | undefined): void
  /** A report of the session's memory came in the stream. */
  memory(report: Record<string, unknown>): void
  /** The run ends for this reason. */
  failed(error: unknown): void
}

export type Request = { path: string; body: Record<string, unknown> }

export type Run = {
  /** Leaves the answer as it is; it can go on later. */
  stop(): void
  /** Does not wait for the next try. */
  tryNow(): void
  /** Resolves when nothing changes any more; never rejects. */
  ended: Promise<void>
}

/** Tries in a row that bring nothing, before the run gives up: some two minutes. */
const TRIES = 20
const [FIRST_WAIT, LONGEST_WAIT] = [500, 8000]

/** Milliseconds between two times of storing a running answer: what a reload reads again. */
const SAVE_EVERY = 500

/** Errors in a stream that say no more than that this connection is over. */
const CUT_OFF = ['lane_lost', 'model_loading', 'overloaded']

const BROKEN = 'The connection broke; the answer is read on.'

class BrokenOff extends Error {}

/** Ends the run as it is, with what a person should know. */
class Ending extends Error {}
/** Ends it for good. */
class Failure extends Error {}

/**
 * Asks for an answer and writes it into `message`, behind what stands there. `prepare` makes the request, and is called again
 * where it was refused for want of its session.
 */
export function ask(
  server: Server,
  clock: Clock,
  message: Message,
  prepare: (signal: AbortSignal, gone: boolean) => Promise<Request>,
  hooks: Hooks,
): Run {
  const started = clock.now()
  let gone = false
  let request: Request | undefined
  let tries = 0
  return run(server, clock, message, hooks, started, async (signal) => {
    request ??= await prepare(signal, gone)
    // The server goes on with what a lost try began, and computes nothing twice.
    const retry = tries++ > 0 ? { 'x-stainless-retry-count': String(tries - 1) } : undefined
    try {
      return await post(server, request.path, request.body, signal, retry)
    } catch (error) {
      if (gone || !(error instanceof ServerError) || error.code !== 'not_found') throw error
      gone = true
      request = undefined
      throw new BrokenOff('The session is gone; the answer begins anew.')
    }
  })
}

/** Reads an answer on that was left, from behind the frames that `message` has. */
export function readOn(server: Server, clock: Clock, message: Message, hooks: Hooks): Run {
  return run(server, clock, message, hooks, undefined)
}

function run(
  server: Server,
  clock: Clock,
  message: Message,
  hooks: Hooks,
  started: number | undefined,
  begin?: (signal: AbortSignal) => Promise<Response>,
): Run {
  const answer = message.answer!
  const stopping = new AbortController()
  const { signal } = stopping
  let waiting: AbortController | undefined
  /** What came since the last picture. */
  let news = { text: '', thoughts: '', frames: 0, tokens: [] as Token[] }
  let isDrawing = false
  let saved = clock.now()
  let failed = 0

  function apply(): void {
    if (news.frames === 0) return
    message.text += news.text
    if (news.thoughts !== '') answer.thoughts = (answer.thoughts ?? '') + news.thoughts
    answer.frames += news.frames
    const { tokens } = news
    news = { text: '', thoughts: '', frames: 0, tokens: [] }
    hooks.grew(tokens)
  }

  function draw(): void {
    isDrawing = false
    apply()
  }

  /** Asks the server, at first for the answer, later for what is missing of it. */
  async function connect(): Promise<Response> {
    if (!answer.session) {
      if (begin) return begin(signal)
      throw new Ending('The page was closed before the answer began.')
    }
    const path = `/v1/sessions/${encodeURIComponent(answer.session)}/stream?after=${answer.frames}`
    const response = await call(server, path, { signal }).catch((error: unknown) => {
      if (!(error instanceof ServerError) || error.status !== 404) throw error
      throw lost('The server no longer has this session.')
    })
    const turn = response.headers.get('x-islet-turn')
    if (!answer.turn || !turn || turn === answer.turn) return response
    void response.body?.cancel()
    throw lost('The session went on with another answer.')
  }

  /** The turn is gone for good: who wants more of the answer asks for it anew. */
  function lost(words: string): Ending {
    delete answer.session
    delete answer.turn
    return new Ending(words)
  }

  /** Comments are signs of life, and reports that were asked for. */
  function heard(comment: string): void {
    const [, report] = comment.split(/^islet\.memory /)
    if (report) hooks.memory(parsed(report))
  }

  /** Reads one stream; whether the answer has ended. */
  async function read(response: Response): Promise<boolean> {
    answer.session = response.headers.get('x-islet-session') ?? answer.session
    answer.turn = response.headers.get('x-islet-turn') ?? answer.turn
    hooks.save()
    const pace = { first: 0, last: 0, frames: 0, isWhole: answer.frames === 0 }
    /** From the reason of its end on: written at once, so that a reload between them reads the reason again. */
    const ending: Frame[] = []
    for await (const { data } of events(response, signal, heard)) {
      const frame = frameOf(data)
      if (frame.error) throw failureIn(frame.error)
      // The platform's limit ended the stream early: the rest is read on, and this ending is no part of the answer.
      if (frame.isCut) throw new BrokenOff(BROKEN)
      failed = 0
      hooks.tell(undefined)
      if (frame.finish || ending.length > 0 || frame.isLast) {
        ending.push(frame)
        if (!frame.isLast) continue
        for (const each of ending) note(each, pace)
        answer.state = ending.some(({ finish }) => finish === 'length') ? 'length' : 'done'
        return true
      }
      note(frame, pace)
      if (!isDrawing) {
        isDrawing = true
        clock.frame(draw)
      }
      if (clock.now() - saved >= SAVE_EVERY) store()
    }
    return false
  }

  function note(frame: Frame, pace: { first: number; last: number; frames: number; isWhole: boolean }): void {
    news.frames++
    news.text += frame.text
    news.thoughts += frame.thoughts
    news.tokens.push(...frame.tokens)
    if (frame.text || frame.thoughts) {
      pace.last = clock.now()
      if (pace.frames++ === 0) pace.first = pace.last
      if (started !== undefined) answer.firstMs ??= Math.round(pace.last - started)
    }
    const { model, truncated, usage } = frame
    if (model) answer.model = model
    if (truncated) answer.truncated = truncated
    if (usage) {
      answer.prompt = usage.prompt_tokens
      answer.reused = usage.prompt_tokens_details?.cached_tokens ?? 0
      // An answer that went on has those that it had before, too.
      answer.tokens = (answer.before ?? 0) + usage.completion_tokens
    }
    const made = pace.isWhole && usage ? usage.completion_tokens : pace.frames
    if (pace.last > pace.first && made > 1)
      answer.perSecond = Math.round((10_000 * (made - 1)) / (pace.last - pace.first)) / 10
  }

  function store(): void {
    saved = clock.now()
    apply()
    hooks.save()
  }

  async function pause(error: unknown): Promise<void> {
    const { text, seconds } = inWords(error)
    const ms = seconds === undefined ? Math.min(FIRST_WAIT * 2 ** failed, LONGEST_WAIT) : 1000 * seconds
    if (failed++ >= TRIES) throw new Failure(text)
    store()
    waiting = new AbortController()
    hooks.tell({ text, until: clock.now() + ms })
    await clock.wait(ms, waiting.signal)
    waiting = undefined
    hooks.tell({ text: 'Trying again…' })
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await read(await connect())) return
        throw new BrokenOff(BROKEN)
      } catch (error) {
        if (signal.aborted) break
        if (!canTryAgain(error)) throw error
        // What came is in the message before it is read on from behind its frames.
        apply()
        await pause(error)
      }
    }
    throw new Ending()
  }

  answer.state = 'running'
  delete answer.problem
  const ended = follow()
    .catch((error: unknown) => {
      hooks.failed(error)
      answer.state = error instanceof Ending ? 'stopped' : 'failed'
      const { message } = error as Error
      if (message) answer.problem = message
    })
    .then(() => {
      hooks.tell(undefined)
      apply()
      hooks.grew([])
      hooks.save()
    })
  const tryNow = (): void => waiting?.abort()
  return { stop: () => (stopping.abort(), tryNow()), tryNow, ended }
}

function failureIn({ code, message }: { code: string; message: string }): Error {
  if (CUT_OFF.includes(code)) return new BrokenOff(BROKEN)
  if (code === 'conflict') return new Ending('Another page or program reads this answer now.')
  return new Failure(message)
}

function canTryAgain(error: unknown): boolean {
  if (error instanceof ServerError) return [0, 408, 429, 502, 503, 504].includes(error.status)
  return !(error instanceof Ending || error instanceof Failure)
}

/** What a person reads of a failure that passes; `seconds` is what the server asks to wait. */
function inWords(error: unknown): { text: string; seconds?: number | undefined } {
  if (error instanceof BrokenOff) return { text: error.message }
  if (!(error instanceof ServerError)) return { text: BROKEN }
  // When it is tried again is told beside it.
  return { text: error.message.replace(/ Try again.*/, ''), seconds: error.retryAfter }
}
