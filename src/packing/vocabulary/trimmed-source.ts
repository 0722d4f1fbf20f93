// A trimmed source is a checkpoint with a part of its vocabulary: smaller tables, a smaller tokenizer.

import { BAICHUAN_MARKS } from '../../chat/formats/baichuan.ts'
import { IsletError } from '../../lib/errors.ts'
import { parseTokenizer } from '../../tokenizer/format.ts'
import type { ChatFormat, TrimmedVocabulary } from '../../weights/manifest.ts'
import type { ModelSource, SourceTensor } from '../source.ts'
import { rowsOf } from '../token-arrays.ts'
import { pickRows } from './picked-rows.ts'
import { trimTokenizer } from './trim-tokenizer.ts'

/**
 * `whole` with the ids `kept` (ascending) alone. `facts` go into the manifest. A row that is kept has the bytes that
 * packing `whole` gives it where its kind is the same. Throws `unsupported_format` where ids mean more than their rows.
 */
export function trimmedSource(
  whole: ModelSource,
  tokenizer: Uint8Array,
  kept: Uint32Array,
  facts: TrimmedVocabulary,
): ModelSource {
  const data = parseTokenizer(tokenizer)
  if (whole.spec.prefix !== undefined || (data.settings.idOffset ?? 0) > 0)
    throw new IsletError(
      'unsupported_format',
      'the vocabulary of ChatGLM-6B is not trimmed: its ids mean places in a prompt, and images',
    )
  const { head } = whole.spec
  const table = head.tied ? 'embedding' : 'head'
  const ofHead = whole.tensors.find(({ role }) => role === table)
  const trimmed = (tensor: SourceTensor): SourceTensor => {
    if (tensor.role === 'embedding' || tensor.role === 'head') return pickRows(tensor, kept)
    if (tensor.role !== 'head_scale' || ofHead === undefined) return tensor
    const { file, offset } = pickRows(ofHead, kept)
    return { ...tensor, file, offset, cols: kept.length }
  }
  return {
    ...whole,
    spec: { ...whole.spec, vocab: kept.length },
    tensors: whole.tensors.map(trimmed),
    chat: renumberedChat(whole.chat, rowsOf(kept, data.types.length)),
    vocabulary: facts,
    whole,
    tokenizer: () => Promise.resolve(trimTokenizer(data, kept)),
  }
}

/** Baichuan's formats name the ids of their marks, or mean those of the original. */
function renumberedChat(chat: ChatFormat, rowOf: Int32Array): ChatFormat {
  if (chat.kind !== 'builtin' || !chat.format.startsWith('baichuan')) return chat
  const { userId = BAICHUAN_MARKS.userId, assistantId = BAICHUAN_MARKS.assistantId } = chat
  return { ...chat, userId: rowOf[userId], assistantId: rowOf[assistantId] }
}
