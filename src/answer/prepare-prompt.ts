// A prompt is a request's ids within the limits: one too long is refused, or cut at the front if asked.

import { answerRules, endsInThought, PLAIN_RULES } from '../chat/answers/rules.ts'
import type { AnswerRules } from '../chat/answers/rules.ts'
import { answerFormOf } from '../chat/calls/answer-form-of.ts'
import { toldOf } from '../chat/calls/told.ts'
import { promptIdsSliced, promptText, textIdsSliced } from '../chat/prompt-ids.ts'
import type { AnswerForm } from '../grammar/answer-form.ts'
import { contentText, type ChatMessage, type GenerateRequest } from '../protocol/generation.ts'
import { plainWritten, readWritten, type Written } from '../protocol/written.ts'
import { IsletError } from '../lib/errors.ts'
import { entriesOf } from '../lib/json-value.ts'
import { atOnce, Budget, type Sliced } from '../lib/sliced.ts'
import { leastIdsSliced, LETTERS_OF_AN_ID } from './least-ids.ts'
import { checkGrammar } from './constraint.ts'
import type { ModelText } from './model-text.ts'

export type PromptLimits = {
  /** Longest prompt in ids. */
  maxPrompt: number
  /** Positions of a sequence, prompt and answer together; Infinity with a window. */
  maxPositions: number
}

export type Prompt = {
  ids: number[]
  truncatedTokens: number
  /** 'none': nothing was asked, and the ids stand for nothing. */
  kind: GenerateRequest['prompt']['kind'] | 'none'
  /** The model was told of tools. */
  tools: boolean
  /** What the answer may be, where it may hold thoughts or calls beside what a grammar says. */
  form?: AnswerForm
}

/** What of a request its prompt depends on; without `truncation` a prompt is never cut. */
export type PromptRequest = Pick<
  GenerateRequest,
  'prompt' | 'maxTokens' | 'sampling' | 'stop' | 'grammar' | 'grammarParam' | 'places'
> &
  Partial<Pick<GenerateRequest, 'truncation'>>

type ChatPrompt = Extract<GenerateRequest['prompt'], { kind: 'chat' }>

/** Positions that a cut prompt leaves for the answer when the request names no number. */
const ANSWER_ROOM = 256
/** Most that it leaves whatever number is named: a quarter of all, or so many where that is more. */
const LEAST_RESERVE = 64

/**
 * Tokenises, checks ids (those of biases too) and length. Throws invalid_request or context_length_exceeded.
 */
export function preparePrompt(request: PromptRequest, text: ModelText, limits: PromptLimits): Prompt {
  return atOnce(prepareSliced(request, text, limits, new Budget(Infinity)))
}

/** The same prompt, in slices. */
export function prepareSliced(
  request: PromptRequest,
  text: ModelText,
  limits: PromptLimits,
  budget = new Budget(),
): Sliced<Prompt> {
  return placedSliced(request.places, preparedSliced(request, text, limits, budget))
}

/** Work whose errors name the prompt where its client wrote it. */
export function* placedSliced<T>(places: PromptRequest['places'], work: Sliced<T>): Sliced<T> {
  try {
    return yield* work
  } catch (error) {
    const place = places?.prompt
    if (place === undefined || !(error instanceof IsletError) || error.param !== 'messages') throw error
    throw new IsletError(error.code, error.message, { param: place, cause: error })
  }
}

function* preparedSliced(
  request: PromptRequest,
  text: ModelText,
  limits: PromptLimits,
  budget: Budget,
): Sliced<Prompt> {
  checkBiases(request, text.manifest.spec.vocab)
  const most = Math.min(limits.maxPrompt, limits.maxPositions - 1)
  yield* checkLetters(request, text, most, budget)
  const ids = yield* idsOfPrompt(request, text, budget)
  if (ids.length === 0) {
    throw new IsletError('invalid_request', 'the prompt has no tokens: send some text', {
      param: paramOf(request),
    })
  }
  const { prompt } = request
  const form = answerFormOf(request, text.tokenizer, text.manifest.chat, ids)
  checkGrammar(request, text.tokenizer, form, {
    limit: Math.min(
      request.maxTokens ?? text.manifest.spec.context,
      limits.maxPositions - Math.min(ids.length, most),
    ),
    continues: prompt.kind !== 'chat',
  })
  const origin = {
    kind: prompt.kind,
    tools: prompt.kind === 'chat' && (prompt.tools ?? []).length > 0,
    ...(form !== undefined && { form }),
  }
  if (ids.length <= most) return { ...origin, ids, truncatedTokens: 0 }
  if (request.truncation !== 'auto') throw tooLong(request, `${ids.length}`, most)
  const answer = answerReserve(request.maxTokens, limits.maxPositions)
  return { ...origin, ...cutFront(ids, Math.min(most, limits.maxPositions - answer), text.tokenizer.bosId) }
}

/**
 * Positions that are kept for the answer behind a cut prompt: `max_tokens`, a quarter of all positions at most, or
 * LEAST_RESERVE in a short context, of which half stays the prompt's.
 */
function answerReserve(maxTokens: number | undefined, positions: number): number {
  const most = Math.min(Math.max(LEAST_RESERVE, Math.floor(positions / 4)), Math.floor(positions / 2))
  return Math.min(maxTokens ?? ANSWER_ROOM, most)
}

/**
 * Letters for each id that fits, of a prompt that shall be cut: it is read whole, since how it is cut at the
 * front changes the ids behind. Prose that comes to this is some eight times too long.
 */
const LETTERS_TO_CUT = 2 * LETTERS_OF_AN_ID

/**
 * Throws context_length_exceeded where the letters of a text alone are too many: tokenising would take
 * seconds, and the memory of a lane.
 */
function* checkLetters(
  request: PromptRequest,
  { tokenizer, manifest }: ModelText,
  most: number,
  budget: Budget,
): Sliced<void> {
  const { prompt } = request
  if (prompt.kind === 'ids') return
  const texts = prompt.kind === 'chat' ? prompt.messages.map(textOfMessage) : [prompt.text]
  const letters = texts.reduce((sum, { length }) => sum + length, 0)
  if (request.truncation === 'auto') {
    if (letters > most * LETTERS_TO_CUT) throw tooLongToCut(request, letters, most)
    return
  }
  if (letters <= most * LETTERS_OF_AN_ID) return
  // A template may leave messages out.
  const text = prompt.kind === 'chat' ? textOfChat(prompt, { tokenizer, manifest }) : prompt.text
  const least = yield* leastIdsSliced(tokenizer, text, budget)
  if (least > most) throw tooLong(request, `at least ${least}`, most)
}

/** A chat's prompt as text; without `opening` it does not begin the answer. Throws invalid_request. */
export function textOfChat(prompt: ChatPrompt, { tokenizer, manifest }: ModelText, opening = true): string {
  const { messages, options } = toldOf(
    tokenizer,
    manifest.chat,
    prompt.messages.map(readWritten),
    optionsOf(prompt),
  )
  return promptText(tokenizer, manifest.chat, messages, { ...options, addGenerationPrompt: opening })
}

function textOfMessage(message: Written<ChatMessage>): string {
  return contentText(plainWritten(message).content)
}

/** What a chat prompt has beside messages, as it was written. */
function optionsOf({ tools = [], variables = {} }: ChatPrompt) {
  return { tools: tools.map(readWritten), variables: readWritten(variables) }
}

function tooLong(request: PromptRequest, count: string, most: number): IsletError {
  return new IsletError(
    'context_length_exceeded',
    `the prompt has ${count} tokens and this model takes ${most}: shorten it${request.truncation === undefined ? '' : ', or set truncation to "auto"'}`,
    { param: paramOf(request) },
  )
}

function tooLongToCut(request: PromptRequest, letters: number, most: number): IsletError {
  return new IsletError(
    'context_length_exceeded',
    `the prompt has ${letters} letters: truncation "auto" cuts up to ${most * LETTERS_TO_CUT} of them for the ${most} tokens that this model takes; shorten it`,
    { param: paramOf(request) },
  )
}

/** A prompt's ids, however many. Throws invalid_request, and unsupported_value for what the model's format has not. */
export function* idsOfPrompt(
  { prompt }: Pick<PromptRequest, 'prompt'>,
  { tokenizer, manifest }: ModelText,
  budget: Budget,
): Sliced<number[]> {
  if (prompt.kind === 'chat') {
    const offered = optionsOf(prompt)
    if (manifest.chat.kind === 'builtin' && entriesOf(offered.variables).length > 0) {
      throw new IsletError(
        'unsupported_value',
        `chat_template_kwargs: the chat format of ${manifest.id} is no template and takes none`,
        { param: 'chat_template_kwargs' },
      )
    }
    const sent = prompt.messages.map(readWritten)
    const { messages, options } = toldOf(tokenizer, manifest.chat, sent, offered)
    return yield* promptIdsSliced(tokenizer, manifest.chat, messages, budget, options)
  }
  if (prompt.kind === 'text')
    return yield* textIdsSliced(tokenizer, manifest.chat, prompt.text, prompt.after ?? '', budget)
  const { vocab } = manifest.spec
  const bad = prompt.ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocab)
  if (bad < 0) return prompt.ids
  throw new IsletError(
    'invalid_request',
    `prompt[${bad}] is ${prompt.ids[bad]}; this model's token ids are 0 to ${vocab - 1}`,
    { param: 'prompt' },
  )
}

/** How the answer to a prompt ends and is read. */
export function rulesFor(
  { ids, kind, tools, form }: Prompt,
  { tokenizer, manifest }: ModelText,
): AnswerRules {
  if (kind !== 'chat') return PLAIN_RULES
  const thinking = endsInThought(tokenizer, manifest.chat, ids, tools)
  return answerRules(tokenizer, manifest.chat, { tools, thinking, ...(form !== undefined && { form }) })
}

/** Throws invalid_request for a bias on an id that does not exist, which would silently do nothing. */
function checkBiases({ sampling }: PromptRequest, vocab: number): void {
  const bad = sampling.logitBias.find(([id]) => id >= vocab)
  if (bad === undefined) return
  throw new IsletError(
    'invalid_request',
    `logit_bias has the token id ${bad[0]}; this model's token ids are 0 to ${vocab - 1}`,
    { param: 'logit_bias' },
  )
}

/** Keeps the newest ids, and BOS in front where there was one. */
function cutFront(
  ids: readonly number[],
  length: number,
  bosId: number | undefined,
): Pick<Prompt, 'ids' | 'truncatedTokens'> {
  const head = bosId !== undefined && ids[0] === bosId && length > 1 ? [bosId] : []
  const tail = ids.slice(ids.length - (length - head.length))
  return { ids: [...head, ...tail], truncatedTokens: ids.length - length }
}

function paramOf(request: PromptRequest): string {
  return request.prompt.kind === 'chat' ? 'messages' : 'prompt'
}
