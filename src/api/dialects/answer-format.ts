// The format of an answer is what a body asks of its text: JSON, a pattern, one of some texts, a grammar.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import { fieldOf, isJsonObject, jsonText } from '../../lib/json-value.ts'
import type { GenerateRequest, GrammarSpec } from '../../protocol/generation.ts'
import { effort, jsonBounds, type StopField } from './fields.ts'

/** JSON Schema, which the lane reads. */
const schema = () =>
  z.nullish(z.union([z.boolean(), z.record(z.string(), z.unknown())]).check(...jsonBounds()))

const described = () => ({
  name: z.nullish(z.string().check(z.minLength(1), z.maxLength(64))),
  description: z.nullish(z.string()),
  schema: schema(),
  strict: z.nullish(z.boolean()),
})
const text = () => z.looseObject({ type: z.literal('text') })
/** Some clients put a schema beside this type. */
const anyObject = () => z.looseObject({ type: z.literal('json_object'), schema: schema() })

/** `response_format`. */
export const responseFormat = () =>
  z.nullish(
    z.discriminatedUnion('type', [
      text(),
      anyObject(),
      z.looseObject({ type: z.literal('json_schema'), json_schema: z.looseObject(described()) }),
    ]),
  )

/** `text` of responses: the same, without the wrapper around a schema. */
export const textSettings = () =>
  z.nullish(
    z.object({
      format: z.nullish(
        z.discriminatedUnion('type', [
          text(),
          anyObject(),
          z.looseObject({ type: z.literal('json_schema'), ...described() }),
        ]),
      ),
      verbosity: z.nullish(z.unknown()),
    }),
  )

/** `output_config` of Messages. */
export const outputConfig = () =>
  z.nullish(
    z.strictObject({
      effort: z.nullish(effort()),
      format: z.nullish(
        z.discriminatedUnion('type', [z.looseObject({ type: z.literal('json_schema'), ...described() })]),
      ),
    }),
  )

const MAX_CHOICES = 5000
const one = 'must have exactly one of json, regex, choice, grammar'

/** `structured_outputs`, as vLLM has it. */
export const structuredOutputs = () =>
  z.nullish(
    z
      .strictObject({
        json: z.nullish(
          z.union([z.string(), z.boolean(), z.record(z.string(), z.unknown())]).check(...jsonBounds()),
        ),
        regex: z.nullish(z.string()),
        choice: z.nullish(z.array(z.string()).check(z.minLength(1), z.maxLength(MAX_CHOICES))),
        grammar: z.nullish(z.string()),
      })
      .check(z.refine((value) => Object.values(value).filter((each) => each != null).length === 1, one)),
  )

type Asked = Pick<GenerateRequest, 'grammar' | 'grammarParam'>

/**
 * What a body asks of its answer's text. `sent` gives its fields as they were written, digits and order kept.
 * @throws IsletError where it is asked for twice, or beside `stop`, which could cut a value.
 */
export function formatOf(
  sent: (name: string) => unknown,
  stop: readonly string[],
  stopField: StopField = 'stop',
): Asked {
  const asked = [
    wrappedFormat(sent('response_format')),
    flatFormat(sent('text'), 'text.format'),
    flatFormat(sent('output_config'), 'output_config.format'),
    outputsFormat(sent('structured_outputs')),
  ].filter((each) => each !== undefined)
  if (asked.length === 0) return {}
  const [{ grammarParam: param }] = asked
  if (asked.length > 1)
    throw new IsletError('invalid_request', 'structured_outputs and response_format: only one of them', {
      param: 'structured_outputs',
    })
  if (stop.length > 0)
    throw new IsletError(
      'invalid_request',
      `${stopField} could cut an answer that ${param} holds to a form: leave it out`,
      {
        param: stopField,
      },
    )
  return asked[0]
}

type Format = { grammar: GrammarSpec; grammarParam: string }

function wrappedFormat(format: unknown): Format | undefined {
  if (!isJsonObject(format)) return undefined
  if (fieldOf(format, 'type') !== 'json_schema') return typedFormat(format, 'response_format')
  return schemaFormat(fieldOf(format, 'json_schema'), 'response_format.json_schema.schema')
}

function flatFormat(settings: unknown, place: string): Format | undefined {
  const format = isJsonObject(settings) ? fieldOf(settings, 'format') : undefined
  if (!isJsonObject(format)) return undefined
  if (fieldOf(format, 'type') !== 'json_schema') return typedFormat(format, place)
  return schemaFormat(format, `${place}.schema`)
}

function typedFormat(format: object, param: string): Format | undefined {
  if (!isJsonObject(format) || fieldOf(format, 'type') !== 'json_object') return undefined
  return schemaFormat(format, `${param}.schema`)
}

/** Without a schema any object will do. */
function schemaFormat(holder: unknown, param: string): Format {
  const given = isJsonObject(holder) ? fieldOf(holder, 'schema') : undefined
  const grammar: GrammarSpec =
    given === undefined || given === null
      ? { kind: 'json_object' }
      : { kind: 'json_schema', schema: jsonText(given) }
  return { grammar, grammarParam: param }
}

function outputsFormat(outputs: unknown): Format | undefined {
  if (!isJsonObject(outputs)) return undefined
  const field = (key: string): unknown => fieldOf(outputs, key) ?? undefined
  const asked = (key: string, grammar: GrammarSpec): Format => ({
    grammar,
    grammarParam: `structured_outputs.${key}`,
  })
  const [json, regex, choice, ebnf] = [field('json'), field('regex'), field('choice'), field('grammar')]
  if (json !== undefined)
    return asked('json', { kind: 'json_schema', schema: typeof json === 'string' ? json : jsonText(json) })
  if (typeof regex === 'string') return asked('regex', { kind: 'regex', pattern: regex })
  if (Array.isArray(choice)) return asked('choice', { kind: 'choice', choices: choice as string[] })
  return typeof ebnf === 'string' ? asked('grammar', { kind: 'ebnf', text: ebnf }) : undefined
}
