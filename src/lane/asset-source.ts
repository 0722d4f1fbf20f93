// An asset source reads a packed model from the static assets, and checks its manifest and tokenizer.

import type { ModelText } from '../answer/model-text.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256Of } from '../lib/sha256.ts'
import { readTokenizer } from '../tokenizer/packed.ts'
import { MANIFEST_VERSION, TOKENIZER_FILE, type Manifest, type PackedFile } from '../weights/manifest.ts'
import type { ByteSource } from '../weights/source.ts'

/** What of the ASSETS binding is used. */
export type Assets = { fetch(url: URL): Promise<Response> }

/** The files of `models/MODEL/` behind the assets binding. Throws invalid_file where one is missing. */
export function assetSource(assets: Assets, model: string): ByteSource {
  return {
    async open(file) {
      const path = `/models/${model}/${file}`
      const response = await assets.fetch(new URL(path, 'http://assets'))
      if (response.ok && response.body !== null) return response.body
      await response.body?.cancel()
      throw new IsletError(
        'invalid_file',
        `the assets have no ${path} (status ${response.status}): pack the model first`,
      )
    },
  }
}

/**
 * Reads manifest.json and the tokenizer, which is fetched once more where it came damaged. Throws
 * invalid_file or checksum_mismatch.
 */
export async function readModelText(source: ByteSource): Promise<ModelText> {
  const reading = readManifest(source)
  // Asked for together, since packing names it so.
  const opened = source.open(TOKENIZER_FILE)
  opened.catch(() => undefined)
  try {
    const manifest = await reading
    const { tokenizer: file } = manifest
    const bytes = await readChecked(source, file, file.file === TOKENIZER_FILE ? opened : undefined)
    return { manifest, tokenizer: readTokenizer(bytes) }
  } catch (error) {
    // Of a manifest that is no good; one that was read is locked, and stays as it is.
    void opened.then((stream) => stream.cancel()).catch(() => undefined)
    throw error
  }
}

/** Reads manifest.json. Throws invalid_file. */
export async function readManifest(source: ByteSource): Promise<Manifest> {
  return parseManifest(await new Response(await source.open('manifest.json')).text())
}

function parseManifest(text: string): Manifest {
  const invalid = (cause?: unknown): IsletError =>
    new IsletError(
      'invalid_file',
      `manifest.json is not that of a packed model, version ${MANIFEST_VERSION}: pack the model again`,
      { cause },
    )
  try {
    const value = JSON.parse(text) as Manifest
    const { format, version, shards } = value
    if (
      format === 'islet' &&
      version === MANIFEST_VERSION &&
      shards.every((shard) => typeof shard.checksum === 'string')
    )
      return value
  } catch (cause) {
    throw invalid(cause)
  }
  throw invalid()
}

/** `first`: the file's stream, where it was opened before. */
async function readChecked(
  source: ByteSource,
  file: PackedFile,
  first = source.open(file.file),
): Promise<Uint8Array> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const stream = await (attempt === 0 ? first : source.open(file.file))
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
    if (bytes.byteLength === file.length && (await sha256Of(bytes)) === file.sha256) return bytes
  }
  throw new IsletError(
    'checksum_mismatch',
    `${file.file} is not what the manifest says, fetched twice: pack the model again`,
  )
}
