// A call form is the grammar of calls as a chat format writes them, arguments held to their schemas.

import { freeText, type Mark } from './free-text.ts'
import { GrammarError } from './grammar-error.ts'
import { embedded } from './embedded.ts'
import { compileSchema } from './schema/compile.ts'
import type { Term, Terms } from './term.ts'

/** `tool_call`: JSON between marks. */
export type CallStyle = 'tool_call'

/** `parameters`: the schema's JSON text; `pointer`: where it stands among the request's tools. */
export type OfferedFunction = { name: string; parameters: string; pointer: string }

export type CallsForm = {
  style: CallStyle
  /** Those that may be called. */
  functions: OfferedFunction[]
  /** Nothing but calls, one at least. */
  required: boolean
  /** At most one. */
  single: boolean
}

/** More in one answer are a loop. */
const MOST_CALLS = 32

export const CALL = '<tool_call>'
export const CALL_END = '</tool_call>'

export type CallGrammars = {
  /** One call or more, and nothing besides. */
  required: Term
  /** What opens a call in free text. */
  marks: readonly Mark[]
}

type MarkTerm = (name: string) => Term

/** Throws GrammarError by the pointer of what of a function's parameters cannot be promised. */
export function callGrammars(terms: Terms, form: CallsForm, mark: MarkTerm): CallGrammars {
  return toolCalls(terms, form, mark)
}

/** An object by a function's parameters. */
function argumentsOf(terms: Terms, { parameters, pointer }: OfferedFunction): Term {
  try {
    return embedded(terms, compileSchema(parameters, { isObject: true }))
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    throw new GrammarError(error.message, pointer + error.pointer)
  }
}

function toolCalls(terms: Terms, { functions, single }: CallsForm, mark: MarkTerm): CallGrammars {
  const options = functions.map((each) => {
    const name = JSON.stringify(each.name).slice(1)
    return terms.pair(terms.text(`${name}, "arguments": `), argumentsOf(terms, each))
  })
  const inside = terms.sequence(
    terms.text('\n{"name": "'),
    terms.either(...options),
    terms.text('}\n'),
    mark(CALL_END),
  )
  const call = terms.pair(mark(CALL), inside)
  const further = single ? terms.empty : terms.repeat(terms.pair(terms.text('\n'), call), 0, MOST_CALLS - 1)
  const last = freeText(terms, [{ text: CALL, then: () => terms.nothing }])
  const marks: Mark[] = [{ text: CALL, then: () => terms.pair(inside, single ? last : after) }]
  const after = freeText(terms, marks)
  return { required: terms.pair(call, further), marks }
}
