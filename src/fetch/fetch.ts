// A fetch reads a streamed answer on by itself where its connection breaks, for clients that cannot.
// It is published as islet/fetch: web APIs alone, and at most 2 KB.

type Fetch = typeof globalThis.fetch

export type ReadingOn = {
  /** The fetch that asks; that of the platform without it. */
  fetch?: Fetch
  /** How often a stream is asked for again until one brings something new. */
  tries?: number
  /** Milliseconds before the first try; each one behind waits twice as long, 8 s at most. */
  wait?: number
}

type Piece = { done: boolean; value?: Uint8Array }

const LONGEST_WAIT = 8000

/** The last frame of a stream, in the words of each dialect; an error is the last one too. */
const LAST =
  /^(data: (\[DONE\]|{"error")|event: (error|message_stop|response\.(completed|incomplete|failed))$)/m

/** An error that says no more than that this connection is cut off. */
const CUT_OFF = /^(data: {"error"|event: error\n)[^]*"(code|type)":"(lane_lost|model_loading|overloaded)/

/** The frames that `after` counts. Comments and pings are signs of life. */
const COUNTS = /^(?!event: ping)([^]*\n)?data:/

/**
 * A fetch whose streamed answers of Islet come whole: where one breaks off before its last frame, it is read on at its session
 * (`/v1/sessions/ID/stream?after=N`) with the same headers, frame by frame, none twice and none left out. Whatever is no
 * such stream passes through as it is. The stream fails as it broke when no try brings it on, when the session is gone or went on
 * with another turn, and at once when the request is aborted.
 */
export function readingOn({ fetch, tries = 8, wait = 250 }: ReadingOn = {}): Fetch {
  const ask: Fetch = (input, init) => (fetch ?? globalThis.fetch)(input, init)
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const signal = init?.signal ?? request?.signal
    const headers = new Headers(init?.headers ?? request?.headers)
    headers.delete('content-length')
    const response = await ask(input, init)
    const named = (name: string): string | null => response.headers.get(`x-islet-${name}`)
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (!named('session') || !isStream || !response.body) return response

    const left = new AbortController()
    const gone = signal ? AbortSignal.any([left.signal, signal]) : left.signal
    const again = { ...init, method: 'GET', body: undefined, headers, signal: gone }
    const place = (request?.url ?? (input as string | URL).toString()).replace(
      /\/v1\/.*/,
      `/v1/sessions/${named('session')}/stream?after=`,
    )
    let reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let decoder = new TextDecoder()
    let rest = ''
    let heard = 0
    let failed = 0

    /** Goes over to another stream, from behind what was heard; throws `broken` when there is none. */
    async function readOn(broken: unknown): Promise<void> {
      reader.cancel().catch(() => {})
      while (failed < tries) {
        await slept(Math.min(wait * 2 ** failed++, LONGEST_WAIT), gone)
        if (gone.aborted) throw gone.reason
        const answer = await ask(place + heard, again).catch(() => undefined)
        if (!answer || answer.status > 428) continue
        // A session that went on with another turn has the text of another answer.
        if (!answer.ok || !answer.body || answer.headers.get('x-islet-turn') !== named('turn')) break
        reader = (answer.body as ReadableStream<Uint8Array>).getReader()
        decoder = new TextDecoder()
        rest = ''
        return
      }
      throw broken
    }

    async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
      const say = (text: string): void => controller.enqueue(new TextEncoder().encode(text))
      for (let text = ''; !text;) {
        let broken: unknown = new TypeError('broken off')
        const { done, value } = await reader.read().catch((error: unknown): Piece => {
          broken = error
          return { done: true }
        })
        if (gone.aborted) throw gone.reason
        const frames = (rest + decoder.decode(value, { stream: true })).split('\n\n')
        rest = frames.pop() ?? ''
        let cut = ''
        let ended = false
        for (const frame of frames) {
          if (CUT_OFF.test(frame)) {
            cut = `${frame}\n\n`
            break
          }
          text += `${frame}\n\n`
          ended = LAST.test(frame)
          if (!COUNTS.test(frame)) continue
          heard++
          failed = 0
        }
        if (text) say(text)
        if (!ended && (done || cut)) {
          await readOn(broken).catch((error: unknown) => {
            if (!cut) throw error
            say(cut)
            ended = true
          })
        }
        if (ended) return controller.close()
      }
    }

    const stream = new ReadableStream<Uint8Array>(
      {
        pull,
        cancel(reason) {
          left.abort()
          return reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(stream, response)
  }
}

/** Resolves after `ms` milliseconds, or when the signal aborts. */
function slept(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
    signal.addEventListener('abort', () => resolve())
  })
}

/** The fetch with what is usual. */
export const fetch: Fetch = readingOn()
