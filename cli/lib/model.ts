// This file finds the MODEL of a command: a name in models/, a packed folder, a .gguf file or a folder. A
// folder that is not packed is one of Hugging Face's.

import { stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileSha256 } from '../../src/packing/file-sha256.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { parseManifest } from '../../src/packing/make-manifest.ts'
import { MANIFEST_FILE } from '../../src/packing/pack-folder.ts'
import { packToMemory } from '../../src/packing/pack-memory.ts'
import { naming } from '../../src/packing/in-file.ts'
import { folderReader } from '../../src/packing/small-file.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import type { ByteSource } from '../../src/weights/source.ts'
import { fileSource } from './file-source.ts'

const HERE = fileURLToPath(import.meta.url)
const isInstalled = HERE.includes(`${sep}node_modules${sep}`)

/** Where models are kept by name: in the checkout; of an installed package, which the next install replaces, in the current folder. */
export const MODELS = isInstalled ? join(process.cwd(), `models${sep}`) : join(HERE, `../../../models${sep}`)

/** What stands in front of the name of a command. */
const CALLED = isInstalled ? 'npx islet' : 'npm run islet --'

export type OpenedModel = {
  manifest: Manifest
  source: ByteSource
  tokenizerBytes: Uint8Array
  /** Why the checkpoint's tokenizer is not read, where it has one. */
  tokenizerFault?: IsletError
}

export type ModelPath = { kind: 'packed' | 'checkpoint'; path: string }

/**
 * Opens a model to run. Checkpoints are packed into memory on the way, by `options`; tokenizerBytes is empty
 * where the checkpoint has no tokenizer that we read. `model_not_found` says what MODEL may be.
 */
export async function openModel(model: string, options: PackOptions): Promise<OpenedModel> {
  const { kind, path } = await findModel(model)
  if (kind === 'checkpoint') {
    const { manifest, weights, tokenizer, tokenizerFault } = await packToMemory(path, options)
    return { manifest, source: weights, tokenizerBytes: tokenizer, ...(tokenizerFault && { tokenizerFault }) }
  }
  const manifest = await readManifest(path)
  if (manifest.stage !== undefined)
    throw new IsletError('invalid_request', `${path} is a stage of a model: name the model itself`, {
      param: 'MODEL',
    })
  return { manifest, source: fileSource(path), tokenizerBytes: await readTokenizerFile(path, manifest) }
}

/**
 * Opens a model that reads and writes text. Throws why its tokenizer is not read, as packing does.
 */
export async function openTextModel(name: string, options: PackOptions): Promise<OpenedModel> {
  const opened = await openModel(name, options)
  if (opened.tokenizerBytes.length > 0) return opened
  throw opened.tokenizerFault ?? new IsletError('unsupported_format', `${name} has no tokenizer`)
}

/** The path behind MODEL: as given if it exists, else a name in models/, without regard to case. */
export async function findModel(model: string): Promise<ModelPath> {
  for (const path of [model, join(MODELS, model.toLowerCase())]) {
    const facts = await stat(path).catch(() => undefined)
    if (facts === undefined) continue
    const packed =
      facts.isDirectory() && (await stat(join(path, MANIFEST_FILE)).catch(() => undefined)) !== undefined
    return { kind: packed ? 'packed' : 'checkpoint', path }
  }
  throw new IsletError(
    'model_not_found',
    `there is no model ${JSON.stringify(model)}: give a name in models/ (${CALLED} pull fetches the default one), ` +
      'a packed folder, a .gguf file or a Hugging Face folder',
    { param: 'MODEL' },
  )
}

/** manifest.json of a packed folder, checked. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = new TextDecoder().decode(await required(folder, MANIFEST_FILE))
  return naming(MANIFEST_FILE, () => parseManifest(text))
}

/** tokenizer.bin of a packed folder, checked. */
export async function readTokenizerFile(folder: string, manifest: Manifest): Promise<Uint8Array> {
  const bytes = await required(folder, manifest.tokenizer.file)
  const hash = fileSha256()
  hash.update(bytes)
  if (hash.hex() !== manifest.tokenizer.sha256) {
    throw new IsletError(
      'checksum_mismatch',
      `${manifest.tokenizer.file} is not what the manifest says: pack or pull the model again`,
    )
  }
  return bytes
}

async function required(folder: string, name: string): Promise<Uint8Array> {
  const bytes = await folderReader(folder)(name)
  if (bytes !== undefined) return bytes
  throw new IsletError('model_not_found', `${join(folder, name)} is missing: pack or pull the model again`)
}
