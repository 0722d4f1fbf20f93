// These are the words that tell first-generation Qwen of functions, in two styles. Its ReAct example and its
// function calling differ in a few words.

import { fieldOf } from '../../lib/json-value.ts'
import { functionsOf, type ToolFunction } from '../conversation.ts'
import { pythonJson } from '../python-text.ts'

/** How the two prompts differ. */
export type ReactStyle = { functions: string; afterEach: string; nameGap: string }

export const FUNCTION_CALLING: ReactStyle = { functions: 'APIs', afterEach: '', nameGap: ', ' }
export const REACT_EXAMPLE: ReactStyle = {
  functions: 'tools',
  afterEach: ' Format the arguments as a JSON object.',
  nameGap: ',',
}

/**
 * What stands before `Question:`; functions in OpenAI's form or with Qwen's own names for model and human.
 */
export function reactInstruction(tools: readonly unknown[], style: ReactStyle): string {
  const functions = functionsOf(tools)
  const names = functions.map((each) => textOf(each, 'name_for_model', 'name'))
  return [
    `Answer the following questions as best you can. You have access to the following ${style.functions}:`,
    ...functions.map((each) => describe(each) + style.afterEach),
    'Use the following format:',
    [
      'Question: the input question you must answer',
      'Thought: you should always think about what to do',
      `Action: the action to take, should be one of [${names.join(style.nameGap)}]`,
      'Action Input: the input to the action',
      'Observation: the result of the action',
      '... (this Thought/Action/Action Input/Observation can be repeated zero or more times)',
      'Thought: I now know the final answer',
      'Final Answer: the final answer to the original input question',
    ].join('\n'),
    'Begin!',
  ].join('\n\n')
}

function describe(each: ToolFunction): string {
  const model = textOf(each, 'name_for_model', 'name')
  const human = textOf(each, 'name_for_human', 'name')
  const use = textOf(each, 'description_for_model', 'description')
  const parameters = pythonJson(fieldOf(each, 'parameters') ?? { type: 'object', properties: {} })
  return (
    `${model}: Call this tool to interact with the ${human} API. ` +
    `What is the ${human} API useful for? ${use} Parameters: ${parameters}`
  )
}

function textOf(each: ToolFunction, own: string, openai: string): string {
  const value = fieldOf(each, own) ?? fieldOf(each, openai)
  return typeof value === 'string' ? value : ''
}
