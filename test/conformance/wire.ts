// What the tests of the checklist share: an answer's wire, its frames, and its chunks as openai for Node reads them.

import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type OpenAI from 'openai'
import {
  appOver,
  chat,
  clientOver,
  fakeLanes,
  gather,
  ORIGIN,
  post,
  type Fake,
  type Settings,
} from '../api/helpers.ts'

export type Chunk = OpenAI.ChatCompletionChunk
type Extra = Record<string, unknown>

/** The response to a streamed chat. */
export async function streamed(
  fake: Fake = fakeLanes(),
  extra: Extra = {},
  settings: Settings = {},
): Promise<Response> {
  const body = JSON.stringify(chat({ stream: true, ...extra }))
  return appOver(fake, settings).app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })
}

/** Its bytes as text. */
export async function wireOf(fake?: Fake, extra?: Extra, settings?: Settings): Promise<string> {
  return (await streamed(fake, extra, settings)).text()
}

/** What a parser of event streams finds in it. */
export function framesOf(wire: string): { events: EventSourceMessage[]; comments: string[] } {
  const events: EventSourceMessage[] = []
  const comments: string[] = []
  const onEvent = (event: EventSourceMessage): void => void events.push(event)
  const onComment = (comment: string): void => void comments.push(comment)
  createParser({ onEvent, onComment }).feed(wire)
  return { events, comments }
}

/** The chunks of a streamed chat, read by openai for Node. */
export async function chunksOf(fake: Fake = fakeLanes(), extra: Extra = {}): Promise<Chunk[]> {
  return gather(await clientOver(fake).client.chat.completions.create({ ...chat(extra), stream: true }))
}

/** The body of a reply, read as JSON. */
export async function bodyOf<T>(path: string, body: object, fake: Fake = fakeLanes()): Promise<T> {
  return (await (await post(fake, path, body)).json()) as T
}
