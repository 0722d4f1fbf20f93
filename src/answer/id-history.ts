// An id history holds the ids of prompt and answer in order, and where texts break sequences for DRY.

import type { SamplingOptions } from '../protocol/generation.ts'
import type { History } from '../sampling/history.ts'
import { needsHistory } from '../sampling/processors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

export type IdHistory = { readonly ids: History; add(id: number): void }

/** The history of a sequence that begins with `prompt`; undefined where no option looks at the order of ids. */
export function idHistory(
  sampling: SamplingOptions,
  tokenizer: Tokenizer,
  prompt: readonly number[],
): IdHistory | undefined {
  if (!needsHistory(sampling)) return undefined
  const ids: History = { ids: [], prompt: prompt.length, breaks: [] }
  const breaks = sampling.dry && breakerScan(sampling.dry.breakers, tokenizer)
  const add = (id: number): void => {
    ids.ids.push(id)
    if (breaks !== undefined) ids.breaks.push(breaks(id))
  }
  prompt.forEach(add)
  return { ids, add }
}

/** Tells of each id of a sequence, one after the other, whether one of the texts ends within it. */
function breakerScan(texts: readonly string[], tokenizer: Tokenizer): (id: number) => boolean {
  // A character for each byte: a text may begin in one token and end in the next.
  const wanted = texts.map((text) => byteText(new TextEncoder().encode(text)))
  const longest = Math.max(1, ...wanted.map((text) => text.length))
  let before = ''
  return (id) => {
    const text = before + byteText(tokenizer.tokenBytes(id))
    const ends = wanted.some(
      (each) => text.includes(each) && text.lastIndexOf(each) + each.length > before.length,
    )
    before = text.slice(Math.max(0, text.length - longest + 1))
    return ends
  }
}

function byteText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
