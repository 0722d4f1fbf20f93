// This parser reads ChatGLM3's answers: messages after role tokens, each with a line for a tool's name.

import { ASSISTANT } from '../formats/chatglm3.ts'
import { pythonStrip } from '../python-text.ts'
import { content, heldLength, type AnswerParser, type AnswerPiece } from './parser.ts'
import { pythonCallArguments } from './python-call.ts'
import { tidy, type TextRule } from './text-rules.ts'

/** A message as ChatGLM3's own history keeps it. */
export type Chatglm3Message = { role: 'assistant'; metadata: string; content: string }

/** The messages of a whole answer. */
export function chatglm3Messages(answer: string): Chatglm3Message[] {
  return answer.split(ASSISTANT).map((segment) => {
    const { metadata, rest } = splitHead(segment)
    return { role: 'assistant', metadata, content: pythonStrip(metadata) === '' ? pythonStrip(rest) : rest }
  })
}

/**
 * `tools`: a named message is a call; otherwise it is text, as nothing was offered that it could call. `names`: a grammar holds
 * calls of these functions, and nothing else is one.
 */
export function chatglm3Parser(tools: boolean, names?: ReadonlySet<string>): AnswerParser {
  return new Chatglm3Parser(tools, names)
}

class Chatglm3Parser implements AnswerParser {
  readonly #tools: boolean
  readonly #names: ReadonlySet<string> | undefined
  #text = ''
  /** Set while a message is known to be text. */
  #rule: TextRule | undefined
  #said = false
  /** A break between two messages of text, due once the second one says something. */
  #gap = ''

  constructor(tools: boolean, names: ReadonlySet<string> | undefined) {
    this.#tools = tools
    this.#names = names
  }

  get isInCall(): boolean {
    const line = this.#rule === undefined ? this.#text.indexOf('\n') : -1
    return line >= 0 && this.#names?.has(this.#text.slice(0, line)) === true
  }

  push(text: string): AnswerPiece[] {
    this.#text += text
    const pieces: AnswerPiece[] = []
    for (let at = this.#text.indexOf(ASSISTANT); at >= 0; at = this.#text.indexOf(ASSISTANT)) {
      const segment = this.#text.slice(0, at)
      this.#text = this.#text.slice(at + ASSISTANT.length)
      pieces.push(...this.#finish(segment))
    }
    if (this.#rule === undefined && this.#isText()) this.#rule = tidy()
    if (this.#rule !== undefined) {
      const sure = this.#text.length - heldLength(this.#text, ASSISTANT)
      pieces.push(...this.#say(this.#rule.push(this.#text.slice(0, sure))))
      this.#text = this.#text.slice(sure)
    }
    return pieces
  }

  end(): AnswerPiece[] {
    const rest = this.#text
    this.#text = ''
    return this.#finish(rest)
  }

  /** Without tools every message is text; with them, one whose first line is blank. */
  #isText(): boolean {
    if (!this.#tools) return true
    const line = this.#text.indexOf('\n')
    return line >= 0 && pythonStrip(this.#text.slice(0, line)) === ''
  }

  #finish(segment: string): AnswerPiece[] {
    const call = this.#rule === undefined && this.#tools ? callOf(segment, this.#names) : undefined
    const rule = this.#rule ?? tidy()
    this.#rule = undefined
    if (call !== undefined) return [{ kind: 'call', call }]
    const pieces = [...this.#say(rule.push(segment)), ...this.#say(rule.end())]
    if (this.#said) this.#gap = '\n'
    return pieces
  }

  #say(text: string): AnswerPiece[] {
    if (text === '') return []
    const pieces = content(this.#gap + text)
    this.#gap = ''
    this.#said = true
    return pieces
  }
}

/** The first line and what follows; a message of one line has no name. */
function splitHead(segment: string): { metadata: string; rest: string } {
  const at = segment.indexOf('\n')
  return at < 0
    ? { metadata: '', rest: segment }
    : { metadata: segment.slice(0, at), rest: segment.slice(at + 1) }
}

function callOf(
  segment: string,
  names: ReadonlySet<string> | undefined,
): { name: string; arguments: string } | undefined {
  const { metadata, rest } = splitHead(segment)
  const name = pythonStrip(metadata)
  if (names?.has(metadata) === false) return undefined
  // The call stands between the lines that fence it.
  const written = name === '' ? undefined : pythonCallArguments(rest.split('\n').slice(1, -1).join('\n'))
  return written === undefined ? undefined : { name, arguments: written }
}
