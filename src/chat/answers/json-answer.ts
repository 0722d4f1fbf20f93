// This parser reads Llama 3's answers, of which a call is the whole: an object of a name and parameters.

import { fieldOf, isJsonObject, jsonText, readJson } from '../../lib/json-value.ts'
import type { ToolCall } from '../../protocol/generation.ts'
import { JsonCallReader } from './json-call.ts'
import { content, type AnswerParser, type AnswerPiece } from './parser.ts'

const HEAD = '{"name": "'

/** `isHeld`: a grammar holds what begins as a call; otherwise all of it must be there to be one. */
export function jsonCallParser(isHeld: boolean): AnswerParser {
  return new JsonAnswerParser(isHeld)
}

class JsonAnswerParser implements AnswerParser {
  readonly #isHeld: boolean
  #text = ''
  #state: 'start' | 'call' | 'text' = 'start'
  readonly #reader = new JsonCallReader()

  constructor(isHeld: boolean) {
    this.#isHeld = isHeld
  }

  get isInCall(): boolean {
    return this.#isHeld && this.#state === 'call'
  }

  push(text: string): AnswerPiece[] {
    if (this.#state === 'text') return content(text)
    this.#text += text
    const state = this.#begun()
    if (state === 'start' || (state === 'call' && !this.#isHeld)) return []
    const taken = this.#text
    this.#text = ''
    if (state === 'text') return content(taken)
    if (this.#reader.isWhole) return []
    return this.#reader.push(taken).pieces.map((call) => ({ kind: 'call', call }))
  }

  end(): AnswerPiece[] {
    const rest = this.#text
    this.#text = ''
    if (this.#state !== 'call') return content(rest)
    if (this.#isHeld) return content(this.#reader.unread)
    const call = callOf(rest)
    return call === undefined ? content(rest) : [{ kind: 'call', call }]
  }

  /** What it is, once that shows. */
  #begun(): 'start' | 'call' | 'text' {
    const head = this.#isHeld ? HEAD : '{'
    const isOpen = this.#text.length < head.length && head.startsWith(this.#text)
    if (this.#state === 'start' && !isOpen) this.#state = this.#text.startsWith(head) ? 'call' : 'text'
    return this.#state
  }
}

function callOf(text: string): ToolCall | undefined {
  let value: unknown
  try {
    value = readJson(text)
  } catch {
    return undefined
  }
  const [name, given] = isJsonObject(value) ? [fieldOf(value, 'name'), fieldOf(value, 'parameters')] : []
  return typeof name === 'string' && isJsonObject(given) ? { name, arguments: jsonText(given) } : undefined
}
