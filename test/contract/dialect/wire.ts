// The wire reader splits a body of server-sent events into frames and comments, as bytes and as a plain parser sees them.

import { createParser, type EventSourceMessage } from 'eventsource-parser'

export type Frame = {
  /** As it was sent, without the blank line. */
  raw: string
  /** Its name, where it has one. */
  event: string | undefined
  /** Its JSON, or the text that is none. */
  data: unknown
}

export type Wire = {
  status: number
  headers: Headers
  text: string
  frames: Frame[]
  /** Signs of life between frames, which no client takes for data: comments, and events `ping` where events have names. */
  comments: number
}

/** The whole stream. Throws where a parser minds, or bytes follow the last frame. */
export async function readWire(response: Response): Promise<Wire> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, ...parseWire([text]) }
}

/** Frames and comments of a stream that comes in pieces. */
export function parseWire(pieces: readonly string[]): { frames: Frame[]; comments: number } {
  const events: EventSourceMessage[] = []
  let comments = 0
  const parser = createParser({
    onEvent: (event) => void (event.event === 'ping' ? comments++ : events.push(event)),
    onComment: () => void comments++,
    onError(error) {
      throw error
    },
  })
  for (const piece of pieces) parser.feed(piece)
  const sent = pieces.join('').split('\n\n')
  if (sent.pop() !== '') throw new Error('the stream does not end with a blank line')
  const raw = sent.filter((frame) => !/^(:|event: ping\n)/.test(frame))
  if (raw.length !== events.length)
    throw new Error(`${raw.length} frames were sent, and ${events.length} were read`)
  return { frames: events.map((event, i) => frameOf(event, raw[i])), comments }
}

function frameOf({ event, data }: EventSourceMessage, raw: string): Frame {
  return { raw, event, data: data === '[DONE]' ? data : JSON.parse(data) }
}

export const rawOf = (frames: readonly Frame[]): string[] => frames.map(({ raw }) => raw)

/** How many frames two streams begin with alike. */
export function commonLength(a: readonly Frame[], b: readonly Frame[]): number {
  const differs = a.findIndex(({ raw }, i) => raw !== b[i]?.raw)
  return differs < 0 ? a.length : differs
}
