// A packed prefix (prefix.bin) holds the KV pages of the ids with which every plain chat begins. They were
// computed when the model was packed; a chat with a system message begins otherwise.

import { checksum } from '../lib/checksum.ts'
import { IsletError } from '../lib/errors.ts'
import type { PackedPrefix } from './manifest.ts'
import type { ByteSource } from './source.ts'

export const PREFIX_FILE = 'prefix.bin'

/**
 * Raised whenever the engine would compute other bits, or lay a page out in another way: a prefix of another
 * version is not loaded. test/packing/template-prefix.test.ts holds the bytes of one.
 */
export const PREFIX_VERSION = 3

/**
 * The pages of a prefix in order, parts of one buffer. Throws checksum_mismatch, or what the source throws
 * for a missing file.
 */
export async function readPrefix(prefix: PackedPrefix, source: ByteSource): Promise<Uint8Array[]> {
  const { file, length, pageBytes } = prefix
  const bytes = new Uint8Array(await new Response(await source.open(file)).arrayBuffer())
  const sum = checksum()
  sum.update(bytes)
  if (bytes.length !== length || sum.hex() !== prefix.checksum)
    throw new IsletError(
      'checksum_mismatch',
      `${file} is not what the manifest says: fetch or pack the model again`,
    )
  return Array.from({ length: length / pageBytes }, (_, page) =>
    bytes.subarray(page * pageBytes, (page + 1) * pageBytes),
  )
}
