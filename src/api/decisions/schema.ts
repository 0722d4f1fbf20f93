// The schema of decisions checks the body of POST /v1/decisions and makes an order of it.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import { fieldOf, type JsonObject } from '../../lib/json-value.ts'
import type { ChatMessage } from '../../protocol/generation.ts'
import { ignored } from '../dialects/field-kinds.ts'
import { label, levelBounds, shortText } from '../dialects/fields.ts'
import { sentField, type ChangedFields } from '../http/body.ts'
import { bodySchema, validate } from '../validate.ts'
import { inputText, questionPart, stateSchema, stateMessages } from './state.ts'

/** OpenAI's limits: questions of a request, choices of a question, levels of a score. */
const MAX_QUESTIONS = 400
const MAX_CHOICES = 255

const partsWords = 'must be a string or an array of text and JSON parts'
const instructions = () =>
  z.union([z.string(), z.array(questionPart(), partsWords).check(z.minLength(1))], partsWords)
const description = () => z.nullish(z.string())
const valueWords = 'must be a string or a boolean'
const choice = () =>
  z.object({
    value: z.union([z.string(valueWords).check(z.minLength(1)), z.boolean()], valueWords),
    description: description(),
  })
const level = () => z.object({ label: z.string().check(z.minLength(1)), description: description() })

const question = () =>
  z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('predicate'), name: label(), instructions: instructions() }),
      z.object({
        type: z.literal('choice'),
        name: label(),
        instructions: z.nullish(instructions()),
        choices: z.array(choice()).check(
          z.minLength(2),
          z.maxLength(MAX_CHOICES),
          z.refine((choices) => new Set(choices.map(({ value }) => value)).size === choices.length, {
            error: 'must each have a value of its own',
          }),
        ),
      }),
      z.object({
        type: z.literal('score'),
        name: label(),
        instructions: z.nullish(instructions()),
        levels: z.array(level()).check(z.minLength(1), z.maxLength(MAX_CHOICES)),
      }),
    ],
    'must be a question, such as {"type": "predicate", "instructions": "..."}',
  )

/** How scores become probabilities: `none` leaves out what the question's words weigh without any state. */
const CALIBRATIONS = ['content_free', 'none'] as const
export type Calibration = (typeof CALIBRATIONS)[number]

/** The body of POST /v1/decisions. */
export const decisionSchema = bodySchema(() => ({
  model: z.nullish(z.string().check(z.minLength(1))),
  input: stateSchema(),
  questions: z.array(question()).check(z.minLength(1), z.maxLength(MAX_QUESTIONS), levelBounds()),
  prompt_cache_key: label(),
  prompt_cache_options: ignored(),
  safety_identifier: z.nullish(shortText()),
  islet: z.nullish(z.strictObject({ calibration: z.nullish(z.enum(CALIBRATIONS)) })),
}))

/** What a question may be answered with. */
export type Option<V> = { value: V; label: string; description: string | undefined }

type Asked = { name: string | null; instructions: string }
export type Question =
  | (Asked & { type: 'predicate' })
  | (Asked & { type: 'choice'; options: Option<string | boolean>[] })
  | (Asked & { type: 'score'; options: Option<number>[] })

export type DecisionOrder = {
  /** Undefined: the one that is served. */
  model: string | undefined
  /** What all questions are about, in messages whose roles are system, user and assistant. */
  state: ChatMessage[]
  questions: Question[]
  calibration: Calibration
  /** `prompt_cache_key`. */
  cacheKey: string | undefined
  /** `safety_identifier`. */
  endUser: string | undefined
}

/**
 * Reads the body of POST /v1/decisions.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseDecision(
  body: Record<string, unknown>,
  changed: ChangedFields = new Map(),
): DecisionOrder {
  const fields = validate(decisionSchema, body)
  const sent = sentField(body, changed, 'questions') as JsonObject[]
  return {
    model: fields.model,
    state: stateMessages(fields.input, sentField(body, changed, 'input')),
    questions: fields.questions.map((asked, index) => questionOf(asked, index, sent[index])),
    calibration: fields.islet?.calibration ?? 'content_free',
    cacheKey: fields.prompt_cache_key,
    endUser: fields.safety_identifier,
  }
}

function questionOf(asked: z.output<ReturnType<typeof question>>, index: number, sent: JsonObject): Question {
  const words = instructionsOf(fieldOf(sent, 'instructions'))
  const common = { name: asked.name ?? null, instructions: words }
  if (asked.type === 'predicate') {
    if (words.trim() !== '') return { ...common, type: 'predicate' }
    const param = `questions[${index}].instructions`
    throw new IsletError('invalid_request', `${param} is empty: say what may be true or not`, { param })
  }
  const option = <V>(value: V, label: string, says: string | null | undefined): Option<V> => ({
    value,
    label,
    description: says === null || says === '' ? undefined : says,
  })
  return asked.type === 'choice'
    ? {
        ...common,
        type: 'choice',
        options: asked.choices.map((each) => option(each.value, String(each.value), each.description)),
      }
    : {
        ...common,
        type: 'score',
        options: asked.levels.map((each, value) => option(value, each.label, each.description)),
      }
}

/** Texts and JSON of a question, as they were written. */
function instructionsOf(sent: unknown): string {
  if (typeof sent === 'string') return sent
  if (!Array.isArray(sent)) return ''
  return (sent as JsonObject[]).map(inputText).join('\n')
}
