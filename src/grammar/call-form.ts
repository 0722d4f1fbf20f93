// A call form is the grammar of calls as a chat format writes them, arguments held to their schemas.

import { freeText, type Mark } from './free-text.ts'
import { GrammarError } from './grammar-error.ts'
import type { DefaultBounds } from './json-terms.ts'
import { checkPossible, SchemaCompiler } from './schema/compile.ts'
import type { Term, Terms } from './term.ts'

/**
 * `tool_call`: JSON between marks. `react`: a line of the name and one of the arguments, the last of an answer. `python`: a message of
 * its own, headed by the name, with a call in Python. `json`: the whole answer is an object of name and parameters.
 */
export type CallStyle = 'tool_call' | 'react' | 'python' | 'json'

/**
 * `parameters`: the schema's JSON text; `pointer`: where it stands among the request's functions. `isStrict`: it is promised, or the
 * request is refused.
 */
export type OfferedFunction = { name: string; parameters: string; pointer: string; isStrict?: true }

export const ANY_OBJECT = '{"type":"object"}'

export type CallsForm = {
  style: CallStyle
  /** Those that may be called. */
  functions: OfferedFunction[]
  /** Nothing but calls, one at least. */
  required: boolean
  /** At most one. */
  single: boolean
  /** The prompt ends in the word that opens a thought: of `react`. */
  isOpened?: boolean
  /** The field of the request that offers them; absent: `tools`. */
  field?: 'functions'
}

/** More in one answer are a loop. */
const MOST_CALLS = 32

export const CALL = '<tool_call>'
export const CALL_END = '</tool_call>'
/** Opens each message of `python`. */
export const MESSAGE = '<|assistant|>'

export type CallGrammars = {
  /** One call or more, and nothing besides. */
  required: Term
  /** What opens a call in free text. */
  marks: readonly Mark[]
  /** Annotations of the schemas. */
  ignored: readonly string[]
}

type MarkTerm = (name: string) => Term
type Parts = Pick<CallGrammars, 'required' | 'marks'>

/** Throws GrammarError by the pointer of what of a function's parameters cannot be promised. */
export function callGrammars(
  terms: Terms,
  form: CallsForm,
  mark: MarkTerm,
  bounds: DefaultBounds,
): CallGrammars {
  const compiler = new SchemaCompiler(terms, { ...bounds, isObject: true, isCall: form.style === 'python' })
  const ignored: string[] = []
  const called = form.functions.map((each): Called => {
    const { name, pointer } = each
    const added = at(each, () => compiler.add(each.parameters))
    ignored.push(...added.ignored.map((place) => pointer + place))
    return { name, given: added.start }
  })
  compiler.finish()
  form.functions.forEach((each, i) => at(each, () => checkPossible(called[i].given)))
  return { ...STYLES[form.style](terms, called, form, mark), ignored }
}

/** Gives an error the place of the function's parameters. */
function at<T>({ pointer }: OfferedFunction, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    throw new GrammarError(error.message, pointer + error.pointer)
  }
}

/** A function with the term of its arguments. */
type Called = { name: string; given: Term }
type Style = (terms: Terms, called: readonly Called[], form: CallsForm, mark: MarkTerm) => Parts

const STYLES: Readonly<Record<CallStyle, Style>> = {
  tool_call(terms, called, { single }, mark) {
    const inside = terms.sequence(
      terms.text('\n{"name": "'),
      named(terms, called, (name) => `${JSON.stringify(name).slice(1)}, "arguments": `),
      terms.text('}\n'),
      mark(CALL_END),
    )
    const call = terms.pair(mark(CALL), inside)
    const further = single ? terms.empty : upTo(terms, terms.pair(terms.text('\n'), call))
    const last = freeText(terms, [{ text: CALL, then: () => terms.nothing }])
    const marks: Mark[] = [{ text: CALL, then: () => terms.pair(inside, single ? last : after) }]
    const after = freeText(terms, marks)
    return { required: terms.pair(call, further), marks }
  },

  /** As histories write a call without a thought; its result would follow, so nothing does. */
  react(terms, called, { isOpened = false }) {
    const call = terms.pair(
      terms.text(' '),
      named(terms, called, (name) => `${name}\nAction Input: `),
    )
    const opening = terms.text(`${isOpened ? ' ' : 'Thought: '}${ACTION}`)
    return { required: terms.pair(opening, call), marks: [{ text: ACTION, then: () => call }] }
  },

  python(terms, called, { single }, mark) {
    const call = named(terms, called, (name) => `${name}\n \`\`\`python\n`)
    const fenced = (rest: Term): Term => terms.pair(rest, terms.text('\n```'))
    const further = single ? terms.empty : upTo(terms, terms.pair(mark(MESSAGE), fenced(call)))
    const marksOf = (start: () => Term): Mark[] =>
      called.flatMap(({ name, given }) => {
        const then = (): Term => terms.pair(fenced(terms.pair(terms.text(' ```python\n'), given)), start())
        return [
          { text: `${name}\n`, then, isFirst: true },
          { text: `${MESSAGE}${name}\n`, then },
        ]
      })
    const after = (): Term =>
      single ? terms.empty : terms.either(terms.empty, terms.pair(mark(MESSAGE), next))
    const marks = marksOf(after)
    const next = freeText(terms, marks)
    return { required: terms.pair(fenced(call), further), marks }
  },

  json(terms, called) {
    const inside = terms.pair(
      named(terms, called, (name) => `${JSON.stringify(name).slice(1)}, "parameters": `),
      terms.text('}'),
    )
    const head = '{"name": "'
    return {
      required: terms.pair(terms.text(head), inside),
      marks: [{ text: head, then: () => inside, isFirst: true }],
    }
  },
}

const ACTION = '\nAction:'

function named(terms: Terms, called: readonly Called[], head: (name: string) => string): Term {
  return terms.either(...called.map(({ name, given }) => terms.pair(terms.text(head(name)), given)))
}

function upTo(terms: Terms, further: Term): Term {
  return terms.repeat(further, 0, MOST_CALLS - 1)
}
