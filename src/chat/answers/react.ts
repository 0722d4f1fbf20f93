// This parser reads ReAct answers of first-generation Qwen: Thought, Action, Action Input, Final Answer.

import { pythonStrip } from '../python-text.ts'
import { content, type AnswerParser, type AnswerPiece } from './parser.ts'

/**
 * Which line is the answer shows at the end alone, so nothing is given out before. `isHeld`: a grammar holds calls, so that one that
 * is open goes out as it comes, and ends the answer.
 */
export function reactParser(isHeld = false): AnswerParser {
  let text = ''
  let isCalling = false
  return {
    get isInCall() {
      return isCalling
    },
    push(piece) {
      if (isCalling) return piece === '' ? [] : [{ kind: 'call', call: { arguments: piece } }]
      text += piece
      const opened = isHeld ? openedCall(text) : undefined
      if (opened === undefined) return []
      isCalling = true
      const { said, name, given } = opened
      text = ''
      return [...content(said), { kind: 'call', call: { name, arguments: given } }]
    },
    end() {
      const whole = text
      text = ''
      return isHeld ? content(finalOf(whole)) : reactPieces(whole)
    },
  }
}

const ACTION = '\nAction:'
const INPUT = '\nAction Input:'
const OBSERVATION = '\nObservation:'
const THOUGHT = 'Thought: '
const FINAL = '\nFinal Answer: '

function reactPieces(text: string): AnswerPiece[] {
  const action = text.indexOf(ACTION)
  const input = text.indexOf(INPUT)
  if (action >= 0 && action < input) {
    // The stop word has usually ended the text before it.
    const observation = text.indexOf(OBSERVATION, input)
    const end = observation < 0 ? text.length : observation
    const name = pythonStrip(text.slice(action + ACTION.length, input))
    if (name !== '') {
      const call = { name, arguments: pythonStrip(text.slice(input + INPUT.length, end)) }
      return [...content(saidBefore(text.slice(0, action))), { kind: 'call', call }]
    }
  }
  return content(finalOf(text))
}

function saidBefore(before: string): string {
  const thought = before.indexOf(THOUGHT)
  return pythonStrip(thought < 0 ? before : before.slice(thought + THOUGHT.length))
}

function finalOf(text: string): string {
  const final = text.lastIndexOf(FINAL)
  return final < 0 ? text : text.slice(final + FINAL.length)
}

/** A call whose arguments have begun: the first action opens one. */
function openedCall(text: string): { said: string; name: string; given: string } | undefined {
  const action = text.indexOf(ACTION)
  const input = action < 0 ? -1 : text.indexOf(`${INPUT} `, action)
  if (input < 0) return undefined
  const name = pythonStrip(text.slice(action + ACTION.length, input))
  return { said: saidBefore(text.slice(0, action)), name, given: text.slice(input + INPUT.length + 1) }
}
