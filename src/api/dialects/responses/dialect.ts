// The dialect of responses words POST /v1/responses, and what is kept of it.

import type { Dialect } from '../dialect.ts'
import { askResponse } from './conversation.ts'
import { responseErrorBody } from './errors.ts'
import { RESPONSE_PREFIX } from './ids.ts'
import type { ResponseReply } from './object.ts'
import { responseSchema } from './schema.ts'
import { queuedResponse, responseWriter, wholeResponse } from './writer.ts'

export const responsesDialect: Dialect<ResponseReply> = {
  kind: 'response',
  idPrefix: RESPONSE_PREFIX,
  schema: responseSchema,
  parse: askResponse,
  writer: (reply) => responseWriter(reply),
  whole: wholeResponse,
  queued: queuedResponse,
  errorBody: responseErrorBody,
}
