// This parser reads an answer whose text is held to a grammar: no mark counts within that text.

import { THINK, THINK_END, THOUGHT_GAP, type AnswerForm } from '../../grammar/answer-form.ts'
import { pythonStripEnd, pythonStripStart } from '../python-text.ts'
import { HERMES_MARKS, hermesParser } from './hermes.ts'
import { content, heldLength, plainParser, reasoning, type AnswerParser, type AnswerPiece } from './parser.ts'

/** A thought by its marks, then calls and nothing else, or text as it is. */
export function heldTextParser({ thought, calls }: AnswerForm): AnswerParser {
  return new HeldTextParser(thought, calls !== undefined)
}

class HeldTextParser implements AnswerParser {
  #state: 'start' | 'thought' | 'gap' | 'body'
  readonly #hasCalls: boolean
  #text = ''
  #body: AnswerParser | undefined
  #began = false

  constructor(thought: AnswerForm['thought'], hasCalls: boolean) {
    this.#state = thought === 'open' ? 'thought' : thought === 'maybe' ? 'start' : 'body'
    this.#hasCalls = hasCalls
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
    if (this.#state === 'thought')
      return reasoning(pythonStripEnd(this.#began ? rest : pythonStripStart(rest)))
    if (this.#state === 'gap') return []
    return [...content(rest), ...(this.#body?.end() ?? [])]
  }

  /** One move; false when more text is needed. */
  #advance(pieces: AnswerPiece[]): boolean {
    switch (this.#state) {
      case 'start':
        if (this.#text.length < THINK.length && THINK.startsWith(this.#text)) return false
        this.#state = this.#text.startsWith(THINK) ? 'thought' : 'body'
        if (this.#state === 'thought') this.#text = this.#text.slice(THINK.length)
        return true
      case 'thought':
        return this.#think(pieces)
      case 'gap':
        if (this.#text.length < THOUGHT_GAP.length) return false
        this.#text = this.#text.slice(THOUGHT_GAP.length)
        this.#state = 'body'
        return true
      case 'body':
        if (this.#text === '') return false
        this.#body ??= this.#bodyParser()
        if (this.#body === undefined) return false
        pieces.push(...this.#body.push(this.#text))
        this.#text = ''
        return false
    }
  }

  #think(pieces: AnswerPiece[]): boolean {
    if (!this.#began) this.#text = pythonStripStart(this.#text)
    const at = this.#text.indexOf(THINK_END)
    const open = at < 0 ? this.#text.length - heldLength(this.#text, THINK_END) : at
    const sure = pythonStripEnd(this.#text.slice(0, open)).length
    pieces.push(...reasoning(this.#text.slice(0, sure)))
    this.#began ||= sure > 0
    this.#text = this.#text.slice(at < 0 ? sure : at + THINK_END.length)
    if (at >= 0) this.#state = 'gap'
    return at >= 0
  }

  /** Which it is shows once the text is as long as a mark, or unlike it. */
  #bodyParser(): AnswerParser | undefined {
    const { call } = HERMES_MARKS
    if (this.#hasCalls && this.#text.length < call.length && call.startsWith(this.#text)) return undefined
    return this.#hasCalls && this.#text.startsWith(call)
      ? hermesParser({ tools: true, thinks: false, thinking: false, isHeld: true })
      : plainParser()
  }
}
