// Prompts are the requests of a chat: for an answer, for more of it, and the fork that a branch begins with.

import { callJson, ServerError, type Server } from '../client/server.ts'
import { type Request } from './answering.ts'
import { pathTo, type Message, type Source, type Tree } from './tree.ts'

export type Options = {
  model: string | undefined
  system: string
  /** The sampling fields that a person set. */
  sampling: Record<string, unknown>
  /** Whether log probabilities and reports of the memory are wanted. */
  isWatched: boolean
}

type ChatMessage = { role: 'system' | Message['role']; content: string }

/**
 * What the answer to a question is asked with. `key` is the session it goes on with, or a name of its own. Without a question it is
 * what a chat could begin with.
 */
export function chatRequest(
  tree: Tree,
  question: string | undefined,
  key: string,
  options: Options,
): Request {
  const messages = chatMessages(tree, question, options.system)
  if (question === undefined) messages.push({ role: 'user', content: 'Hello' })
  return {
    path: '/v1/chat/completions',
    body: {
      ...common(key, options),
      messages,
      ...(options.isWatched && { logprobs: true, top_logprobs: 5 }),
    },
  }
}

function common(key: string, { model, sampling, isWatched }: Options): Record<string, unknown> {
  return {
    model,
    stream: true,
    stream_options: { include_usage: true },
    ...sampling,
    // The oldest tokens of a long chat go, and the page says so.
    truncation: 'auto',
    prompt_cache_key: key,
    ...(isWatched && { islet: { memory: true } }),
  }
}

function chatMessages(tree: Tree, last: string | undefined, system: string): ChatMessage[] {
  const said = pathTo(tree, last ?? null).map(({ role, text }): ChatMessage => ({ role, content: text }))
  return system.trim() === '' ? said : [{ role: 'system', content: system }, ...said]
}

/**
 * What goes on with an answer that was cut: no field of a chat says that its last message is unfinished, so this is a text
 * completion of the chat's prompt with the answer behind it, as token ids. Throws ServerError where that cannot be had.
 */
export async function continuation(
  server: Server,
  tree: Tree,
  message: Message,
  key: string,
  options: Options,
  signal: AbortSignal,
): Promise<Request> {
  const ask = <T>(path: string, body: object): Promise<T> => callJson<T>(server, 'POST', path, body, signal)
  const messages = chatMessages(tree, message.parent!, options.system)
  const texts = [...messages.map(({ content }) => content), message.text].join('\n')
  const ids = (content: string, parse_special: boolean): Promise<{ tokens: number[] }> =>
    ask('/tokenize', { model: options.model, content, add_special: false, parse_special })
  const [{ prompt }, asText, asNames] = await Promise.all([
    ask<{ prompt: string }>('/apply-template', { model: options.model, messages }),
    ids(texts, false),
    ids(texts, true),
  ])
  // As one text, what somebody wrote cannot be told from the marks between messages.
  if (asText.tokens.join() !== asNames.tokens.join())
    throw new ServerError(
      400,
      'unsupported_value',
      'A message writes a mark of the model: this answer cannot go on.',
    )
  const { tokens } = await ids(prompt + message.text, true)
  return {
    path: '/v1/completions',
    body: { ...common(key, options), prompt: tokens, ...(options.isWatched && { logprobs: 5 }) },
  }
}

/** Tries of a fork whose session still ends what it did, and the milliseconds between. */
const [FORK_TRIES, FORK_WAIT] = [5, 200]

/**
 * The session to go on with: the source itself, or a fork of it, which has all that the source has computed. Undefined where it is
 * gone or busy: then the prompt is computed, and nothing else changes.
 */
export async function sessionOf(
  server: Server,
  source: Source | undefined,
  wait: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!source?.fork) return source?.session
  const path = `/v1/sessions/${encodeURIComponent(source.session)}/fork`
  for (let tries = 0; tries < FORK_TRIES; tries++) {
    try {
      return (await callJson<{ id: string }>(server, 'POST', path, undefined, signal)).id
    } catch (error) {
      const { status } = error as ServerError
      if (status === 404) return undefined
      if (status !== 409) throw error
    }
    await wait(FORK_WAIT, signal)
  }
  return undefined
}
