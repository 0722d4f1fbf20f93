// The dialect of Workers AI words what another Worker runs through the binding; no path of HTTP has it.

import type { Dialect } from '../dialect.ts'
import { runErrorBody } from './errors.ts'
import { askRun, runSchema } from './schema.ts'
import { runWriter, wholeRun, type RunReply } from './writer.ts'

export const workersAiDialect: Dialect<RunReply> = {
  kind: 'workers-ai',
  idPrefix: 'chatcmpl-',
  schema: runSchema,
  parse: askRun,
  writer: runWriter,
  whole: wholeRun,
  errorBody: runErrorBody,
}
