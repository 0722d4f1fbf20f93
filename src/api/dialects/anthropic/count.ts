// A count of a message's tokens is asked with the fields that its prompt comes of.

import { sentField, type ChangedFields } from '../../http/body.ts'
import { bodySchema, validate } from '../../validate.ts'
import { promptFields, promptOf } from './schema.ts'

/** The body of POST /v1/messages/count_tokens. */
export const countSchema = bodySchema(promptFields)

/**
 * The prompt whose tokens a body asks for, and the model if it is named.
 * @throws IsletError with `param`, as for the message itself.
 */
export function countedPrompt(body: Record<string, unknown>, changed: ChangedFields) {
  const fields = validate(countSchema, body)
  const { prompt } = promptOf(fields, (name) => sentField(body, changed, name))
  return { model: fields.model, prompt }
}
