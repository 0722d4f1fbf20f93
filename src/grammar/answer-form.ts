// An answer form says what a whole answer may be: a thought, then text or calls, held by a grammar.

import type { GrammarSpec } from '../protocol/generation.ts'
import { callGrammars, type CallsForm } from './call-form.ts'
import type { DefaultBounds } from './json-terms.ts'
import { embedded } from './embedded.ts'
import { freeText, textUpTo, type Mark } from './free-text.ts'
import { markBytes } from './marked.ts'
import { seal } from './rule.ts'
import type { Term } from './term.ts'
import { Terms } from './terms.ts'

/** Plain data, kept with its turn: the ids of an answer are held to it again when it is gone on with. */
export type AnswerForm = {
  kind: 'form'
  /** Names of marks that are tokens of the vocabulary: a forced one is that token, and never spelt. */
  tokens: string[]
  /** The prompt ends inside a thought (`open`), or the model may begin its answer with one. */
  thought?: 'open' | 'maybe'
  /** What text must be; absent: any. */
  text?: GrammarSpec
  calls?: CallsForm
}

type Grammar = { terms: Terms; start: Term; ignored: readonly string[] }

export const THINK = '<think>'
export const THINK_END = '</think>'
/** What stands between a thought and an answer that is held to something. */
export const THOUGHT_GAP = '\n\n'

/** Whether all of it is held to something, but a thought. */
export function isHeld({ calls, text }: AnswerForm): boolean {
  return calls?.required === true || text !== undefined
}

/** `textGrammar`: that of `text`, whose annotations are not among those here. Throws GrammarError by the pointer of a function's part that cannot be promised. */
export function compileForm(
  form: AnswerForm,
  textGrammar: Grammar | undefined,
  bounds: DefaultBounds,
): Grammar {
  const terms = new Terms()
  const isToken = (name: string): boolean => form.tokens.includes(name)
  const mark = (name: string): Term => terms.literal(markBytes(name, isToken(name)))
  const calls = form.calls && callGrammars(terms, form.calls, mark, bounds)
  const isAllHeld = isHeld(form)
  // Behind what has begun a thought or text there are no first marks any more.
  const thought = (then: () => Term): Term => {
    if (isAllHeld)
      return textUpTo(
        terms,
        { text: THINK_END, then: () => terms.pair(terms.text(THOUGHT_GAP), then()) },
        isToken(THINK_END),
      )
    return freeText(terms, [{ text: THINK_END, then }])
  }
  let start: Term
  if (isAllHeld) {
    const mayBeText = textGrammar !== undefined && form.calls?.required !== true
    const text = mayBeText ? embedded(terms, textGrammar) : terms.nothing
    const body = terms.either(text, calls?.required ?? terms.nothing)
    if (form.thought === undefined) start = body
    else {
      const opened = thought(() => body)
      start = form.thought === 'open' ? opened : terms.either(terms.pair(mark(THINK), opened), body)
    }
  } else {
    const free = (further: readonly Mark[]): Term =>
      freeText(terms, [...(calls?.marks ?? []), ...further], further.length > 0)
    const open = (): Term => thought(() => free([]))
    start =
      form.thought === 'open'
        ? open()
        : free(form.thought === 'maybe' ? [{ text: THINK, then: open, isFirst: true }] : [])
  }
  seal(terms, [])
  return { terms, start, ignored: calls?.ignored ?? [] }
}
