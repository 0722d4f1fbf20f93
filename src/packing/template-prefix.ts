// This file computes the packed prefix: the ids that plain chats share, and their KV pages. The ids come from
// the model's own chat format, with no system message.

import { promptIds } from '../chat/prompt-ids.ts'
import { commonPrefix } from '../cache/reusable-prefix.ts'
import { servedKv } from '../graph/buffers.ts'
import { loadModel, type LoadOptions } from '../graph/load-model.ts'
import { computePages, uncutPositions } from '../graph/prefix-pages.ts'
import { promptShape } from '../cache/prompt-shape.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { checksum } from '../lib/checksum.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import { ISOLATE_BYTES } from '../lib/limits.ts'
import { readTokenizer } from '../tokenizer/packed.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { ChatFormat, Manifest, PackedPrefix } from '../weights/manifest.ts'
import { PREFIX_FILE, PREFIX_VERSION } from '../weights/packed-prefix.ts'
import type { ByteSource } from '../weights/source.ts'
import { weightBytes } from '../weights/stream.ts'

export type Prefix = { entry: PackedPrefix; bytes: Uint8Array }

/** Two messages whose first characters differ, so that no token of theirs is shared. */
const MESSAGES = ['Hello', 'What?']

/** A longer beginning is cut here: its pages would be as large as a shard. */
const MOST_POSITIONS = 512

const FULL = { window: undefined, sinks: 0 }

/**
 * The prefix of a model whose weights are packed, computed with `kernels`. Undefined where chats share less
 * than a page, keys depend on more than ids and positions, or the model has no tokenizer, no chat format, or
 * more weights than an isolate holds.
 */
export async function makePrefix(
  manifest: Manifest,
  source: ByteSource,
  tokenizer: Uint8Array,
  kernels: () => LoadOptions['kernels'],
): Promise<Prefix | undefined> {
  const { spec, chat } = manifest
  // No isolate holds more weights, and elsewhere a model starts too seldom for this to matter.
  if (tokenizer.length === 0 || spec.prefix !== undefined || weightBytes(manifest) > ISOLATE_BYTES)
    return undefined
  const most = Math.min(MOST_POSITIONS, spec.context, uncutPositions(spec, FULL))
  const ids = sharedIds(readTokenizer(tokenizer), chat).slice(0, most)
  if (ids.length < PAGE_POSITIONS || promptShape(spec, ids, FULL).ntk !== 1) return undefined
  const kv = servedKv(spec)
  const pageCount = Math.ceil(ids.length / PAGE_POSITIONS)
  const model = await loadModel(manifest, source, {
    window: FULL,
    chunk: PAGE_POSITIONS,
    kv,
    maxPositions: ids.length,
    pages: pageCount,
    kernels: kernels(),
  })
  const bytes = new Uint8Array(pageCount * model.pages.pageBytes)
  for (const [index, page] of computePages(model, ids).entries())
    bytes.set(page, index * model.pages.pageBytes)
  return {
    entry: { ...entryOf(bytes), version: PREFIX_VERSION, ids, kv, pageBytes: model.pages.pageBytes },
    bytes,
  }
}

/** Leading ids that two chats have in common; none where the format cannot say a single message. */
export function sharedIds(tokenizer: Tokenizer, chat: ChatFormat): number[] {
  try {
    const [a, b] = MESSAGES.map((content) => promptIds(tokenizer, chat, [{ role: 'user', content }]))
    return a.slice(0, commonPrefix(a, b, Infinity))
  } catch (error) {
    if (error instanceof IsletError) return []
    throw error
  }
}

function entryOf(bytes: Uint8Array): Pick<PackedPrefix, 'file' | 'length' | 'sha256' | 'checksum'> {
  const hash = sha256()
  hash.update(bytes)
  const sum = checksum()
  sum.update(bytes)
  return { file: PREFIX_FILE, length: bytes.length, sha256: hash.hex(), checksum: sum.hex() }
}
