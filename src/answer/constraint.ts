// A constraint holds an answer to its request's grammar; what of it cannot be promised is the client's error.

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
  spec: GrammarSpec,
  tokenizer: Tokenizer,
  options: MatcherOptions,
  param = 'grammar',
): Matcher {
  try {
    return new Matcher(compileGrammar(spec), tokenizer, options)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    const { message, pointer } = error
    throw new IsletError('invalid_request', `${param}: ${message}`, {
      param: pointer === '' ? param : `${param}#${pointer}`,
    })
  }
}

/** The annotations of a schema that was compiled before, each by its place in the client's `param`. */
export function ignoredOf(spec: GrammarSpec, param = 'grammar'): string[] {
  return compileGrammar(spec).ignored.map((place) => `${param}#${place}`)
}

/**
 * Throws invalid_request where a request's grammar is refused, where its shortest text has more tokens than `limit` and must be closed, or beside
 * what could break the text: stop strings.
 */
export function checkGrammar(
  {
    grammar,
    grammarParam: param = 'grammar',
    stop,
    close,
  }: Pick<GenerateRequest, 'grammar' | 'grammarParam' | 'stop' | 'close'>,
  tokenizer: Tokenizer,
  { limit, continues }: { limit: number; continues: boolean },
): void {
  if (grammar === undefined) return
  if (stop.some((text) => text !== ''))
    throw new IsletError('invalid_request', 'stop: an answer under a grammar ends with it; leave stop out', {
      param: 'stop',
    })
  const { leastTokens } = matcherFor(grammar, tokenizer, { continues }, param)
  if (leastTokens === Infinity)
    throw new IsletError(
      'invalid_request',
      `${param}: the vocabulary of this model cannot write such a text`,
      { param },
    )
  if (leastTokens > limit && close !== false)
    throw new IsletError(
      'invalid_request',
      `max_tokens: there is room for ${limit} tokens, and the shortest text of the grammar takes ${leastTokens}`,
      { param: 'max_tokens' },
    )
}
