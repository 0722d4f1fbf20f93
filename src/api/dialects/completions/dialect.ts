// The dialect of text completions words POST /v1/completions.

import type { Dialect } from '../dialect.ts'
import { completionErrorBody } from './errors.ts'
import { askCompletion, completionSchema } from './schema.ts'
import { completionWriter, wholeText, type CompletionReply } from './writer.ts'

export const completionsDialect: Dialect<CompletionReply> = {
  kind: 'text',
  idPrefix: 'cmpl-',
  schema: completionSchema,
  parse: askCompletion,
  writer: completionWriter,
  whole: wholeText,
  errorBody: completionErrorBody,
}
