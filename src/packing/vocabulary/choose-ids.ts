// Choosing ids keeps those of a vocabulary that texts use most, and what they and the model's own marks need.

import type { SentMessage } from '../../chat/message-forms.ts'
import { promptIds } from '../../chat/prompt-ids.ts'
import { IsletError } from '../../lib/errors.ts'
import { TOKEN } from '../../tokenizer/format.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { Vocabulary } from '../../tokenizer/vocabulary.ts'
import type { ChatFormat } from '../../weights/manifest.ts'
import { mergeTrees } from './merge-trees.ts'

/** (vocab) how often each id stands in the texts. */
export function countIds(tokenizer: Tokenizer, texts: Iterable<string>): Uint32Array {
  const counts = new Uint32Array(tokenizer.vocabSize)
  for (const text of texts) for (const id of tokenizer.encode(text)) counts[id]++
  return counts
}

/**
 * `count` ids in ascending order: what always stays, then the most frequent, each with its merge tree, then the lowest
 * ids, since a vocabulary is written in the order of its merges. An id whose tree has no room is passed over.
 * `invalid_request` where less would be kept than always stays, or nothing would go.
 */
export function chooseIds(
  vocabulary: Vocabulary,
  tokenizer: Tokenizer,
  chat: ChatFormat,
  counts: Uint32Array,
  count: number,
): Uint32Array {
  if (count >= vocabulary.size)
    refuse(`--ids ${count}: the vocabulary has ${vocabulary.size} ids, so that none would go`)
  const treeOf = mergeTrees(vocabulary)
  const kept = new Set(lastingIds(vocabulary, tokenizer, chat).flatMap((id) => [id, ...treeOf(id)]))
  if (kept.size > count)
    refuse(`--ids ${count}: marks, bytes and the chat format's own words alone are ${kept.size} ids`)
  const wanted = Array.from(counts, (_, id) => id)
    .filter((id) => vocabulary.types[id] === TOKEN.normal && !kept.has(id))
    .sort((a, b) => counts[b] - counts[a] || a - b)
  for (const id of wanted) {
    if (kept.size === count) break
    if (kept.has(id)) continue
    const missing = new Set([id, ...treeOf(id)].filter((each) => !kept.has(each)))
    if (kept.size + missing.size <= count) for (const each of missing) kept.add(each)
  }
  return Uint32Array.from(kept).sort()
}

/** Ids that a model cannot do without: all that is no ordinary text, all single bytes, and what its chats are made of. */
function lastingIds(vocabulary: Vocabulary, tokenizer: Tokenizer, chat: ChatFormat): number[] {
  const { types, byteIds, settings } = vocabulary
  const marks = Array.from(types.keys()).filter(
    (id) => types[id] !== TOKEN.normal && types[id] !== TOKEN.unused,
  )
  const bytes = Array.from(byteIds).filter((id) => id >= 0)
  const named = [settings.bosId, settings.eosId, settings.unknownId, ...settings.endIds]
  const known = named.filter((id) => id !== undefined)
  return [...new Set([...marks, ...bytes, ...known, ...chatIds(tokenizer, chat)])]
}

/** A word that stands for what people and models say. */
const SAID = 'Hello'

const [system, user, assistant] = ['system', 'user', 'assistant'].map((role) => ({ role, content: SAID }))
const called = { name: SAID, arguments: '{}' }
const call = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: SAID, type: 'function', function: called }],
}
const result = { role: 'tool', content: SAID, tool_call_id: SAID }
const tool = {
  type: 'function',
  function: { name: SAID, description: SAID, parameters: { type: 'object', properties: {} } },
}

/** Chats that have a format say its words: with and without instructions, answers, and calls of tools. */
const CHATS: readonly { messages: readonly SentMessage[]; tools?: readonly unknown[] }[] = [
  { messages: [user] },
  { messages: [user, assistant, user] },
  { messages: [system, user] },
  { messages: [user], tools: [tool] },
  { messages: [user, call, result, result, assistant, user], tools: [tool] },
  { messages: [system, user, call, result], tools: [tool] },
]

/** Ids of a format's own words: of some chats, and of all that its template says. */
function chatIds(tokenizer: Tokenizer, chat: ChatFormat): number[] {
  const rendered = CHATS.flatMap(({ messages, tools }) => {
    try {
      return promptIds(tokenizer, chat, messages, { tools })
    } catch (error) {
      if (error instanceof IsletError) return [] // no format says every chat
      throw error
    }
  })
  if (chat.kind !== 'jinja') return rendered
  const { template, toolTemplate = '' } = chat
  return [...rendered, ...tokenizer.encode(template), ...tokenizer.encode(toolTemplate)]
}

function refuse(message: string): never {
  throw new IsletError('invalid_request', message, { param: '--ids' })
}
