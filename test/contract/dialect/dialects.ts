// The table of dialects is what every law of this folder runs over.

import { chatCompletions, textCompletions } from './chunks.ts'
import type { Dialect } from './dialect.ts'
import { messages } from './messages.ts'
import { responses } from './responses.ts'

export const DIALECTS: readonly Dialect[] = [chatCompletions, textCompletions, responses, messages]
