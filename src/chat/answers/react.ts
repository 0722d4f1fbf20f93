// This parser reads ReAct answers of first-generation Qwen: Thought, Action, Action Input, Final Answer.

import { pythonStrip } from '../python-text.ts'
import { content, type AnswerParser, type AnswerPiece } from './parser.ts'

/** Which line is the answer shows at the end alone, so nothing is given out before. */
export function reactParser(): AnswerParser {
  let text = ''
  return {
    push(piece) {
      text += piece
      return []
    },
    end() {
      const whole = text
      text = ''
      return reactPieces(whole)
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
      const before = text.slice(0, action)
      const thought = before.indexOf(THOUGHT)
      const said = thought < 0 ? before : before.slice(thought + THOUGHT.length)
      const call = { name, arguments: pythonStrip(text.slice(input + INPUT.length, end)) }
      return [...content(pythonStrip(said)), { kind: 'call', call }]
    }
  }
  const final = text.lastIndexOf(FINAL)
  return content(final < 0 ? text : text.slice(final + FINAL.length))
}
