// The registry lists the dialects, and finds the one of a reply that a turn has kept.

import type { Json } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import { anthropicDialect } from './anthropic/dialect.ts'
import { chatDialect } from './chat/dialect.ts'
import { completionsDialect } from './completions/dialect.ts'
import type { Dialect } from './dialect.ts'
import { kindOf, type Reply } from './reply.ts'
import { ollamaChat, ollamaGenerate } from './ollama/dialect.ts'
import { responsesDialect } from './responses/dialect.ts'
import { workersAiDialect } from './workers-ai/dialect.ts'

const DIALECTS: readonly Dialect[] = [
  chatDialect,
  completionsDialect,
  responsesDialect,
  anthropicDialect,
  ollamaChat,
  ollamaGenerate,
  workersAiDialect,
]

/**
 * A kept reply, and the dialect that words it.
 * @throws IsletError `internal_error` for what no version of this API keeps.
 */
export function readReply(kept: Json): { reply: Reply; dialect: Dialect } {
  const dialect = DIALECTS.find(({ kind }) => kind === kindOf(kept))
  if (dialect !== undefined) return { reply: kept as Reply, dialect }
  throw new IsletError('internal_error', 'A kept reply is of no kind that is known here', { facts: { kept } })
}
