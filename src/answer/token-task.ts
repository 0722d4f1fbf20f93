// A token task is done here: a text becomes ids, ids a text, a chat its prompt or the number of its ids.

import { textIdsSliced } from '../chat/prompt-ids.ts'
import { IsletError } from '../lib/errors.ts'
import { Budget, type Sliced } from '../lib/sliced.ts'
import type { TokensEvent } from '../protocol/generation.ts'
import type { TokenRequest, TokenTask } from '../protocol/tokens.ts'
import { TextStream } from '../tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { leastIdsSliced, LETTERS_OF_AN_ID } from './least-ids.ts'
import type { ModelText } from './model-text.ts'
import { idsOfPrompt, placedSliced, textOfChat } from './prepare-prompt.ts'

/** What a task gives; which fields there are says its kind. */
export type TokenAnswer = Omit<TokensEvent, 'type' | 'last'>

/** Units of a budget that printing an id takes, about. */
const UNITS_OF_AN_ID = 16

/**
 * Does a task, in slices. Throws context_length_exceeded for more than `most` tokens, without reading a text that must have
 * more, and invalid_request for ids that the model has not and for what its template refuses.
 */
export function tokenTaskSliced(
  { task, places }: Pick<TokenRequest, 'task' | 'places'>,
  text: ModelText,
  most: number,
  budget = new Budget(),
): Sliced<TokenAnswer> {
  return placedSliced(places, answerSliced(task, text, most, budget))
}

function* answerSliced(task: TokenTask, text: ModelText, most: number, budget: Budget): Sliced<TokenAnswer> {
  const { tokenizer, manifest } = text
  switch (task.kind) {
    case 'encode': {
      yield* checkLength(tokenizer, task.text, most, budget, 'content')
      const encoded = textIdsSliced(tokenizer, manifest.chat, task.text, '', budget, task)
      const ids = checkCount(yield* encoded, most, 'content')
      return { ids, ...(task.pieces && { pieces: yield* piecesSliced(tokenizer, ids, budget) }) }
    }
    case 'decode':
      checkCount(task.ids, most, 'tokens')
      return { text: yield* decodedSliced(tokenizer, checkIds(task.ids, manifest.spec.vocab), budget) }
    case 'render': {
      const rendered = textOfChat(task.prompt, text, task.opening)
      yield* checkLength(tokenizer, rendered, most, budget, 'messages')
      return { text: rendered }
    }
    case 'count': {
      const { prompt } = task
      if (prompt.kind !== 'ids') {
        const shown = prompt.kind === 'chat' ? textOfChat(prompt, text) : prompt.text
        yield* checkLength(tokenizer, shown, most, budget, prompt.kind === 'chat' ? 'messages' : 'prompt')
      }
      return { count: (yield* idsOfPrompt({ prompt }, text, budget)).length }
    }
  }
}

/** Throws where the letters of a text alone are too many tokens. */
function* checkLength(
  tokenizer: Tokenizer,
  text: string,
  most: number,
  budget: Budget,
  param: string,
): Sliced<void> {
  if (text.length <= most * LETTERS_OF_AN_ID) return
  const least = yield* leastIdsSliced(tokenizer, text, budget)
  if (least > most) throw tooMany(`at least ${least}`, most, param)
}

function checkCount(ids: number[], most: number, param: string): number[] {
  if (ids.length > most) throw tooMany(`${ids.length}`, most, param)
  return ids
}

function tooMany(count: string, most: number, param: string): IsletError {
  return new IsletError(
    'context_length_exceeded',
    `${param} has ${count} tokens and a request may have ${most}: send it in parts`,
    { param },
  )
}

function checkIds(ids: readonly number[], vocab: number): readonly number[] {
  const bad = ids.findIndex((id) => id >= vocab)
  if (bad < 0) return ids
  throw new IsletError(
    'invalid_request',
    `tokens[${bad}] is ${ids[bad]}; this model's token ids are 0 to ${vocab - 1}`,
    { param: 'tokens' },
  )
}

function* decodedSliced(tokenizer: Tokenizer, ids: readonly number[], budget: Budget): Sliced<string> {
  const stream = new TextStream(tokenizer)
  let text = ''
  for (const id of ids) {
    text += stream.pushNamed(id)
    if (budget.spend(UNITS_OF_AN_ID)) yield
  }
  return text + stream.flush()
}

/** What each id prints: a text, or its bytes where they are no whole characters. */
function* piecesSliced(
  tokenizer: Tokenizer,
  ids: readonly number[],
  budget: Budget,
): Sliced<(string | number[])[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const pieces: (string | number[])[] = []
  for (const id of ids) {
    const bytes = tokenizer.tokenBytes(id)
    try {
      pieces.push(tokenizer.isSpecial(id) ? tokenizer.nameOf(id) : decoder.decode(bytes))
    } catch {
      pieces.push([...bytes])
    }
    if (budget.spend(UNITS_OF_AN_ID)) yield
  }
  return pieces
}
