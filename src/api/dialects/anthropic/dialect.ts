// The Anthropic dialect words POST /v1/messages.

import { askedOf, type Dialect } from '../dialect.ts'
import { messageErrorBody } from './errors.ts'
import { messagesSchema, parseMessages } from './schema.ts'
import { MESSAGE_PREFIX, messageWriter, wholeMessage, type MessageReply } from './writer.ts'

export const anthropicDialect: Dialect<MessageReply> = {
  kind: 'message',
  idPrefix: MESSAGE_PREFIX,
  schema: messagesSchema,
  parse: (...body) => askedOf(parseMessages(...body)),
  writer: messageWriter,
  whole: wholeMessage,
  errorBody: messageErrorBody,
}
