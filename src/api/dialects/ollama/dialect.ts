// Ollama's dialect words POST /api/chat and POST /api/generate, which differ in a field.

import type { Dialect } from '../dialect.ts'
import { ollamaErrorBody } from './errors.ts'
import { askChat, askGenerate, chatBody, generateBody } from './schema.ts'
import { ollamaWriter, wholeOllama, type OllamaReply } from './writer.ts'

const shared = {
  idPrefix: '',
  writer: ollamaWriter,
  whole: wholeOllama,
  errorBody: ollamaErrorBody,
  timed: true as const,
}

export const ollamaChat: Dialect<OllamaReply> = {
  ...shared,
  kind: 'ollama-chat',
  schema: chatBody,
  parse: askChat,
}

export const ollamaGenerate: Dialect<OllamaReply> = {
  ...shared,
  kind: 'ollama-generate',
  schema: generateBody,
  parse: askGenerate,
}
