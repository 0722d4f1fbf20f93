// The tool choice says what an answer may or must call of the functions that its body offers.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import type { CallRule } from '../../protocol/generation.ts'
import { preview } from '../validate.ts'
import type { StopField } from './fields.ts'
import { MAX_TOOLS } from './tools.ts'

const named = () => z.looseObject({ name: z.string() })
const mode = () => z.enum(['auto', 'required'])
const words = 'must be "none", "auto", "required", a function or allowed tools'
const wordOr = <O extends z.ZodMiniType>(objects: O) =>
  z.nullish(z.union([z.enum(['none', 'auto', 'required']), objects], words))
const someOf = <T extends z.ZodMiniType>(tool: T) =>
  z.array(tool).check(z.minLength(1), z.maxLength(MAX_TOOLS))

const wrapped = () => z.looseObject({ type: z.literal('function'), function: named() })
const flat = () => z.looseObject({ type: z.literal('function'), name: z.string() })

/** `tool_choice` of chat completions. */
export const chatToolChoice = () =>
  wordOr(
    z.discriminatedUnion('type', [
      wrapped(),
      z.looseObject({
        type: z.literal('allowed_tools'),
        allowed_tools: z.looseObject({ mode: mode(), tools: someOf(wrapped()) }),
      }),
    ]),
  )

/** `tool_choice` of responses, which wrap nothing. */
export const flatToolChoice = () =>
  wordOr(
    z.discriminatedUnion('type', [
      flat(),
      z.looseObject({ type: z.literal('allowed_tools'), mode: mode(), tools: someOf(flat()) }),
    ]),
  )

const single = () => ({ disable_parallel_tool_use: z.nullish(z.boolean()) })

/** `tool_choice` of Messages. */
export const typedToolChoice = () =>
  z.nullish(
    z.discriminatedUnion(
      'type',
      [
        z.looseObject({ type: z.enum(['auto', 'any']), ...single() }),
        z.looseObject({ type: z.literal('tool'), name: z.string(), ...single() }),
        z.looseObject({ type: z.literal('none') }),
      ],
      'must be {"type": "auto"}, {"type": "any"}, {"type": "none"} or {"type": "tool", "name": "..."}',
    ),
  )

/** `function_call`, the choice among `functions`. */
export const functionCall = () =>
  z.nullish(z.union([z.enum(['none', 'auto']), named()], 'must be "none", "auto" or {"name": "..."}'))

/** A choice of any spelling. */
type Choice = {
  mode: 'none' | 'auto' | 'required'
  /** The functions that it names, each with its place in the body. */
  names?: { name: string; place: string }[]
  /** It is one function itself: this is called once. */
  exact?: true
}

export type Calling = {
  /** Absent: any function, as often as the model likes. */
  rule?: CallRule
  /** The model is told of the functions. */
  told: boolean
  /** The body names the function that is called. */
  exact: boolean
}

/** The choice of chat completions in plain words. */
export function wrappedChoice(choice: z.output<ReturnType<typeof chatToolChoice>>): Choice {
  if (typeof choice !== 'object' || choice === null) return { mode: choice ?? 'auto' }
  if (choice.type === 'function') return exactly(choice.function.name, 'tool_choice.function.name')
  const { mode, tools } = choice.allowed_tools
  const place = (at: number): string => `tool_choice.allowed_tools.tools[${at}].function.name`
  return { mode, names: tools.map((tool, at) => ({ name: tool.function.name, place: place(at) })) }
}

/** The choice of responses in plain words. */
export function flatChoice(choice: z.output<ReturnType<typeof flatToolChoice>>): Choice {
  if (typeof choice !== 'object' || choice === null) return { mode: choice ?? 'auto' }
  if (choice.type === 'function') return exactly(choice.name, 'tool_choice.name')
  const names = choice.tools.map(({ name }, at) => ({ name, place: `tool_choice.tools[${at}].name` }))
  return { mode: choice.mode, names }
}

/** The choice of Messages in plain words, with whether it is of one call at most. */
export function typedChoice(
  choice: z.output<ReturnType<typeof typedToolChoice>>,
): Pick<Offer, 'choice' | 'single'> {
  if (choice === null || choice === undefined) return { choice: { mode: 'auto' }, single: false }
  if (choice.type === 'none') return { choice: { mode: 'none' }, single: false }
  const single = choice.disable_parallel_tool_use === true
  if (choice.type === 'tool') return { choice: exactly(choice.name, 'tool_choice.name'), single }
  return { choice: { mode: choice.type === 'any' ? 'required' : 'auto' }, single }
}

/** The choice among `functions` in plain words. */
export function functionChoice(choice: z.output<ReturnType<typeof functionCall>>): Choice {
  if (typeof choice !== 'object' || choice === null) return { mode: choice ?? 'auto' }
  return exactly(choice.name, 'function_call.name')
}

function exactly(name: string, place: string): Choice {
  return { mode: 'required', names: [{ name, place }], exact: true }
}

type Offer = {
  /** Where the choice stands, and where the functions. */
  field: 'tool_choice' | 'function_call'
  list: 'tools' | 'functions'
  /** The functions' names, in order, and where in an entry of the list they stand. */
  offered: readonly string[]
  nameAt: 'name' | 'function.name'
  choice: Choice
  /** At most one call, whatever the choice. */
  single: boolean
  stop: readonly string[]
  stopField?: StopField
}

/**
 * What an answer may call.
 * @throws IsletError `invalid_request`: two functions of one name, one that is not offered, a call where there is no
 *   function or that a stop string could cut.
 */
export function callingOf(offer: Offer): Calling {
  const { field, list, offered, choice, stop, stopField = 'stop' } = offer
  checkNames(offer)
  const forced = choice.mode === 'required'
  if (forced && offered.length === 0)
    throw refuse(field, `${field} asks for a call, but ${list} offers no function: send ${list} too`)
  const unknown = choice.names?.find(({ name }) => !offered.includes(name))
  if (unknown !== undefined)
    throw refuse(unknown.place, `${unknown.place} is ${preview(unknown.name)}, which ${list} does not offer`)
  if (forced && stop.length > 0)
    throw refuse(stopField, `${stopField} could cut a call that ${field} asks for: leave it out`)
  const single = offer.single || choice.exact === true
  const told = offered.length > 0 && choice.mode !== 'none'
  const ruled = told && (forced || single || choice.names !== undefined)
  const names = choice.names && [...new Set(choice.names.map(({ name }) => name))]
  return {
    ...(ruled && { rule: { required: forced, ...(names && { names }), single } }),
    told,
    exact: choice.exact === true,
  }
}

/** A call says which function is meant by its name alone. */
function checkNames({ list, offered, nameAt }: Offer): void {
  const again = offered.findIndex((name, at) => offered.indexOf(name) < at)
  if (again < 0) return
  const place = `${list}[${again}].${nameAt}`
  throw refuse(
    place,
    `${place} is ${preview(offered[again])}, as that of a function before it: names must differ`,
  )
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', says, { param })
}
