// The chat dialect words POST /v1/chat/completions.

import type { Dialect } from '../dialect.ts'
import { chatErrorBody } from './errors.ts'
import { askChat, chatSchema } from './schema.ts'
import { chatWriter, wholeChat, type ChatReply } from './writer.ts'

export const chatDialect: Dialect<ChatReply> = {
  kind: 'chat',
  idPrefix: 'chatcmpl-',
  schema: chatSchema,
  parse: askChat,
  writer: chatWriter,
  whole: wholeChat,
  errorBody: chatErrorBody,
}
