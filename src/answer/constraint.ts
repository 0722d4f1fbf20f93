// A constraint holds an answer to its request's grammar; what of it cannot be promised is the client's error.

import { isHeld, type AnswerForm } from '../grammar/answer-form.ts'
import { GrammarError } from '../grammar/grammar-error.ts'
import { compileGrammar } from '../grammar/grammar.ts'
import { Matcher, type MatcherOptions } from '../grammar/matcher.ts'
import { IsletError } from '../lib/errors.ts'
import type { GenerateRequest, GrammarSpec } from '../protocol/generation.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/**
 * The state of an answer that has no token yet. Throws invalid_request with the pointer of what is refused, in the client's `param`.
 */
export function matcherFor(
  spec: GrammarSpec | AnswerForm,
  tokenizer: Tokenizer,
  options: MatcherOptions,
  param = 'grammar',
): Matcher {
  try {
    const tokens = spec.kind === 'form' ? spec.tokens : []
    return new Matcher(compileGrammar(spec), tokenizer, { ...options, tokens })
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    const { message, pointer } = error
    throw new IsletError('invalid_request', `${param}: ${message}`, {
      param: pointer === '' ? param : `${param}#${pointer}`,
    })
  }
}

/** The annotations of a schema that was compiled before, each by its place in the client's `param`. */
export function ignoredOf(spec: GrammarSpec | AnswerForm, param = 'grammar'): string[] {
  const at = spec.kind === 'form' ? (spec.calls?.field ?? 'tools') : param
  const own = compileGrammar(spec).ignored.map((place) => `${at}#${place}`)
  return spec.kind === 'form' && spec.text !== undefined ? [...ignoredOf(spec.text, param), ...own] : own
}

/**
 * Throws invalid_request where a request's grammar or a schema of its functions is refused, where the shortest answer has more
 * tokens than `limit` and must be closed, or beside what could break the text: stop strings. `form`: what the whole answer may be.
 */
export function checkGrammar(
  {
    grammar,
    grammarParam = 'grammar',
    stop,
    close,
    maxTokens,
    places,
  }: Pick<GenerateRequest, 'grammar' | 'grammarParam' | 'stop' | 'close' | 'maxTokens' | 'places'>,
  tokenizer: Tokenizer,
  form: AnswerForm | undefined,
  { limit, continues }: { limit: number; continues: boolean },
): void {
  const isAllHeld = form === undefined ? grammar !== undefined : isHeld(form)
  if (isAllHeld && stop.some((text) => text !== ''))
    throw new IsletError('invalid_request', 'stop: an answer under a grammar ends with it; leave stop out', {
      param: 'stop',
    })
  let param = grammarParam
  let matcher = grammar && matcherFor(grammar, tokenizer, { continues }, param)
  if (form !== undefined) {
    if (form.calls !== undefined) param = form.calls.field ?? 'tools'
    matcher = matcherFor(form, tokenizer, { continues }, param)
  }
  const leastTokens = matcher?.leastTokens ?? 0
  if (leastTokens === Infinity)
    throw new IsletError(
      'invalid_request',
      `${param}: the vocabulary of this model cannot write such a text`,
      { param },
    )
  if (leastTokens <= limit || close === false) return
  const place = maxTokens === undefined ? param : (places?.maxTokens ?? 'max_tokens')
  throw new IsletError(
    'invalid_request',
    `${place}: there is room for ${limit} tokens, and the shortest answer takes ${leastTokens}`,
    { param: place },
  )
}
