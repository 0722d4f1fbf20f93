// Text rules tidy an answer while it streams, as ChatGLM's own code does with the whole text. Each holds back
// only what the next text can change.

import { pythonStripEnd, pythonStripStart } from '../python-text.ts'
import { content, heldLength, type AnswerParser, type AnswerPiece } from './parser.ts'

/** A rule over text in pieces: together they give what the rule gives for the whole. */
export type TextRule = { push(text: string): string; end(): string }

/** White space at both ends goes, and the placeholder that training data had for a date. */
export function tidy(): TextRule {
  return chain(trimmer(), replacer('[[训练时间]]', '2023年'))
}

/** `tidy`, and ASCII punctuation beside a Chinese character becomes full-width. */
export function tidyWithPunctuation(): TextRule {
  return chain(tidy(), widener())
}

/** A parser whose content is tidied by a rule. */
export function tidied(parser: AnswerParser, rule: TextRule): AnswerParser {
  const tidyPiece = (piece: AnswerPiece): AnswerPiece[] =>
    piece.kind === 'content' ? content(rule.push(piece.text)) : [piece]
  return {
    get isInCall() {
      return parser.isInCall === true
    },
    push: (text) => parser.push(text).flatMap(tidyPiece),
    end: () => [...parser.end().flatMap(tidyPiece), ...content(rule.end())],
  }
}

function chain(first: TextRule, second: TextRule): TextRule {
  return {
    push: (text) => second.push(first.push(text)),
    end: () => second.push(first.end()) + second.end(),
  }
}

function trimmer(): TextRule {
  let began = false
  let space = ''
  return {
    push(text) {
      let rest = space + text
      if (!began) rest = pythonStripStart(rest)
      const kept = pythonStripEnd(rest)
      if (kept === '') {
        space = began ? rest : ''
        return ''
      }
      began = true
      space = rest.slice(kept.length)
      return kept
    },
    end: () => '',
  }
}

function replacer(mark: string, by: string): TextRule {
  let held = ''
  return {
    push(text) {
      const whole = (held + text).replaceAll(mark, by)
      const length = heldLength(whole, mark)
      held = whole.slice(whole.length - length)
      return whole.slice(0, whole.length - length)
    },
    end() {
      const rest = held
      held = ''
      return rest
    },
  }
}

const WIDE: Readonly<Record<string, string>> = { ',': '，', '!': '！', ':': '：', ';': '；', '?': '？' }

/**
 * The characters beside a mark decide, before any of them has changed; the full-width marks are no characters
 * of theirs.
 */
function widener(): TextRule {
  let before = ''
  let mark = ''
  const settle = (after: string): string => {
    const out = mark !== '' && (isChinese(before) || isChinese(after)) ? WIDE[mark] : mark
    if (mark !== '') before = mark
    mark = ''
    return out
  }
  return {
    push(text) {
      let out = ''
      for (const character of text) {
        out += settle(character)
        if (Object.hasOwn(WIDE, character)) mark = character
        else {
          out += character
          before = character
        }
      }
      return out
    },
    end: () => settle(''),
  }
}

function isChinese(character: string): boolean {
  return character >= '\u4e00' && character <= '\u9fff'
}
