// A choice is which ids of a tokenizer stay, and by which texts they were chosen.

import { IsletError } from '../../lib/errors.ts'
import { parseTokenizer } from '../../tokenizer/format.ts'
import { readTokenizer } from '../../tokenizer/packed.ts'
import { Vocabulary } from '../../tokenizer/vocabulary.ts'
import type { TrimmingLoss } from '../../weights/manifest.ts'
import { fileSha256 } from '../file-sha256.ts'
import type { ModelSource } from '../source.ts'
import { chooseIds, countIds } from './choose-ids.ts'
import { trimTokenizer } from './trim-tokenizer.ts'
import { trimmedSource } from './trimmed-source.ts'
import { trimmingLoss } from './trimming-loss.ts'

export type Choice = {
  /** The texts' name. */
  profile: string
  /** Ids in ascending order. */
  kept: Uint32Array
  /** On the texts that chose them. */
  lost: TrimmingLoss
}

/** Chooses `count` ids of the source's vocabulary by `texts`. `invalid_request` where that cannot be. */
export async function chooseBy(
  source: ModelSource,
  profile: string,
  texts: readonly string[],
  count: number,
): Promise<Choice> {
  const bytes = await tokenizerOf(source)
  const data = parseTokenizer(bytes)
  const whole = readTokenizer(bytes)
  const kept = chooseIds(new Vocabulary(data), whole, source.chat, countIds(whole, texts), count)
  const trimmed = readTokenizer(trimTokenizer(data, kept))
  return { profile, kept, lost: trimmingLoss(whole, trimmed, kept, texts) }
}

/** The source with the chosen ids alone. */
export async function trimBy(source: ModelSource, { profile, kept, lost }: Choice): Promise<ModelSource> {
  const facts = { parent: await weightsSha256(source), of: source.spec.vocab, profile, lost }
  return trimmedSource(source, await tokenizerOf(source), kept, facts)
}

/** tokenizer.bin of a source that must have one. */
export async function tokenizerOf(source: ModelSource): Promise<Uint8Array> {
  const bytes = await source.tokenizer()
  if (bytes !== undefined) return bytes
  throw new IsletError(
    'invalid_request',
    `${source.name} has no tokenizer, so its vocabulary cannot be trimmed`,
    {
      param: '--vocabulary',
    },
  )
}

const READ_BYTES = 1 << 22

async function weightsSha256({ tensors }: ModelSource): Promise<string> {
  const hash = fileSha256()
  for (const file of new Set(tensors.map((tensor) => tensor.file))) {
    for (let at = 0; at < file.size; at += READ_BYTES)
      hash.update(await file.read(at, Math.min(READ_BYTES, file.size - at)))
  }
  return hash.hex()
}
