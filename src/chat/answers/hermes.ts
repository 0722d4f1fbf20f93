// This parser reads <tool_call> blocks with JSON (Qwen2.5, Qwen3, Hermes) and thinking in <think>.

import { THINK, THINK_END } from '../../grammar/answer-form.ts'
import { CALL, CALL_END } from '../../grammar/call-form.ts'
import type { ToolCall } from '../../protocol/generation.ts'
import { fieldOf, isJsonObject, jsonText, readJson } from '../../lib/json-value.ts'
import { pythonStrip, pythonStripEnd, pythonStripStart } from '../python-text.ts'
import { JsonCallReader } from './json-call.ts'
import { content, heldLength, reasoning, type AnswerParser, type AnswerPiece } from './parser.ts'

export type HermesOptions = {
  /** Functions were offered: blocks are calls. Otherwise they are text like any other. */
  tools: boolean
  /** The model may think first. */
  thinks: boolean
  /** The prompt ends with an open <think> already. */
  thinking: boolean
  /** A grammar holds the answer: what opens as a call is one, so its parts go out as they come. */
  isHeld?: boolean
}

export const HERMES_MARKS = {
  call: CALL,
  callEnd: CALL_END,
  think: THINK,
  thinkEnd: THINK_END,
}

type State = 'start' | 'thinking' | 'content' | 'call'

export function hermesParser(options: HermesOptions): AnswerParser {
  return new HermesParser(options)
}

class HermesParser implements AnswerParser {
  readonly #tools: boolean
  #state: State
  #text = '' // what has no place yet
  #trimStart = false // white space between parts belongs to none of them
  #called = false
  readonly #isHeld: boolean
  /** Of the call that is open. */
  #reader: JsonCallReader | undefined
  #gap = '' // white space in front of a block: it stays if the block turns out to be text

  constructor({ tools, thinks, thinking, isHeld = false }: HermesOptions) {
    this.#isHeld = isHeld
    this.#tools = tools
    this.#state = thinking ? 'thinking' : thinks ? 'start' : 'content'
    this.#trimStart = thinking
  }

  get isInCall(): boolean {
    return this.#isHeld && this.#state === 'call'
  }

  push(text: string): AnswerPiece[] {
    this.#text += text
    const pieces: AnswerPiece[] = []
    while (this.#advance(pieces)) continue
    return pieces
  }

  end(): AnswerPiece[] {
    const rest = this.#text
    this.#text = ''
    if (this.#state === 'thinking') return reasoning(pythonStripEnd(rest))
    if (this.#reader !== undefined)
      return content(this.#called ? '' : this.#gap + HERMES_MARKS.call + this.#reader.unread)
    if (this.#state === 'call') return this.#block(rest, this.#gap + HERMES_MARKS.call + rest)
    // Behind a call there is nothing to be said but white space.
    return content(this.#called && pythonStrip(rest) === '' ? '' : rest)
  }

  /** One move; false when more text is needed. */
  #advance(pieces: AnswerPiece[]): boolean {
    if (this.#trimStart) {
      this.#text = pythonStripStart(this.#text)
      if (this.#text === '') return false
    }
    switch (this.#state) {
      case 'start':
        return this.#begin()
      case 'thinking':
        return this.#upTo(HERMES_MARKS.thinkEnd, reasoning, 'content', pieces)
      case 'content':
        if (this.#tools) return this.#upTo(HERMES_MARKS.call, content, 'call', pieces)
        pieces.push(...this.#take(this.#text.length, content))
        return false
      case 'call': {
        if (this.#isHeld) return this.#readCall(pieces)
        const end = this.#text.indexOf(HERMES_MARKS.callEnd)
        if (end < 0) return false
        const inside = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + HERMES_MARKS.callEnd.length)
        this.#state = 'content'
        const { call, callEnd } = HERMES_MARKS
        pieces.push(...this.#block(inside, this.#gap + call + inside + callEnd))
        return true
      }
    }
  }

  #readCall(pieces: AnswerPiece[]): boolean {
    this.#reader ??= new JsonCallReader()
    if (!this.#reader.isWhole) {
      const { pieces: read, rest } = this.#reader.push(this.#text)
      for (const call of read) pieces.push({ kind: 'call', call })
      if (read.length > 0) this.#called = true
      this.#text = rest
    }
    const end = this.#reader.isWhole ? this.#text.indexOf(HERMES_MARKS.callEnd) : -1
    if (end < 0) return false
    this.#text = this.#text.slice(end + HERMES_MARKS.callEnd.length)
    this.#reader = undefined
    this.#state = 'content'
    this.#trimStart = true
    return true
  }

  #begin(): boolean {
    const said = pythonStripStart(this.#text)
    const { think } = HERMES_MARKS
    if (think.startsWith(said) && said !== think) return false
    const thinks = said.startsWith(think)
    if (thinks) this.#text = said.slice(think.length)
    this.#trimStart = thinks
    this.#state = thinks ? 'thinking' : 'content'
    return true
  }

  /** Gives out the text before a mark; white space in front of it goes with it. */
  #upTo(mark: string, kind: (text: string) => AnswerPiece[], next: State, pieces: AnswerPiece[]): boolean {
    const at = this.#text.indexOf(mark)
    const open = at < 0 ? this.#text.length - heldLength(this.#text, mark) : at
    const sure = pythonStripEnd(this.#text.slice(0, open)).length
    pieces.push(...this.#take(sure, kind))
    if (at < 0) return false
    this.#gap = this.#text.slice(0, open - sure)
    this.#text = this.#text.slice(open - sure + mark.length)
    this.#state = next
    this.#trimStart = next === 'content'
    return true
  }

  #take(length: number, kind: (text: string) => AnswerPiece[]): AnswerPiece[] {
    const text = this.#text.slice(0, length)
    this.#text = this.#text.slice(length)
    if (text !== '') this.#trimStart = false
    return kind(text)
  }

  /** A block that holds no call is text, so that nothing the model wrote is lost. */
  #block(inside: string, written: string): AnswerPiece[] {
    const call = callOf(inside)
    if (call === undefined) return content(written)
    this.#called = true
    this.#trimStart = true
    return [{ kind: 'call', call }]
  }
}

function callOf(text: string): ToolCall | undefined {
  let value: unknown
  try {
    value = readJson(text)
  } catch {
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const name = fieldOf(value, 'name')
  if (typeof name !== 'string') return undefined
  // As the model wrote them: digits and the order of keys come back in the next prompt.
  const given = fieldOf(value, 'arguments') ?? fieldOf(value, 'parameters') ?? {}
  return { name, arguments: typeof given === 'string' ? given : jsonText(given) }
}
