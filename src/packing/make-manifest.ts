// This file makes manifest.json from what packing made, and reads it for the command line.

import { IsletError } from '../lib/errors.ts'
import { fileSha256 } from './file-sha256.ts'
import {
  MANIFEST_VERSION,
  POOLINGS,
  TOKENIZER_FILE,
  type Manifest,
  type PackedFile,
  type Shard,
  type TensorEntry,
} from '../weights/manifest.ts'
import { isFloatPack } from './pack.ts'
import type { ModelSource } from './source.ts'

/**
 * Raised whenever the same checkpoint would pack to other bytes, or to a manifest that says more of them; with
 * PREFIX_VERSION too.
 */
export const PACKER = 11

/** The manifest of what packing wrote. */
export function makeManifest(
  source: ModelSource,
  id: string | undefined,
  tensors: TensorEntry[],
  shards: Shard[],
  tokenizer: Uint8Array,
): Manifest {
  const { spec, chat, license, vocabulary, sampling, pooling } = source
  return {
    format: 'islet',
    version: MANIFEST_VERSION,
    id: checkedId(id ?? source.name),
    spec,
    tensors,
    shards,
    tokenizer: tokenizerEntry(tokenizer),
    chat,
    float: isFloatPack(source, tensors),
    hash: hashOf({ spec, tensors, shards }),
    ...(license === undefined ? {} : { license }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(sampling === undefined ? {} : { sampling }),
    ...(pooling === undefined ? {} : { embedding: { pooling } }),
    packer: PACKER,
  }
}

/** The id in lower case; `invalid_request` unless it fits a URL and a file name. */
export function checkedId(id: string): string {
  const lower = id.toLowerCase()
  if (/^[a-z0-9][a-z0-9._-]{0,127}$/.test(lower)) return lower
  throw new IsletError(
    'invalid_request',
    `--id ${id}: letters, digits, dots, underscores and dashes are allowed`,
    {
      param: '--id',
    },
  )
}

/** Every file of a packed folder but the manifest itself. Of a chain's stages the hub alone has the tokenizer. */
export function packedFiles({ shards, tokenizer, prefix, stage }: Manifest): PackedFile[] {
  const hasText = stage === undefined || stage.index === 0
  return [...shards, ...(hasText ? [tokenizer] : []), ...(prefix === undefined ? [] : [prefix])]
}

/** Names the weights: everything that decides which numbers the model computes, and nothing else. */
function hashOf(facts: Pick<Manifest, 'spec' | 'tensors' | 'shards'>): string {
  const hash = fileSha256()
  const shards = facts.shards.map((shard) => shard.sha256)
  hash.update(new TextEncoder().encode(JSON.stringify([facts.spec, facts.tensors, shards])))
  return hash.hex()
}

/** The tokenizer's entry; a model without one has an empty file. */
function tokenizerEntry(bytes: Uint8Array): PackedFile {
  const hash = fileSha256()
  hash.update(bytes)
  return { file: TOKENIZER_FILE, length: bytes.length, sha256: hash.hex() }
}

/** Reads manifest.json; `invalid_file` for anything else, `unsupported_format` for another version. */
export function parseManifest(text: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new IsletError('invalid_file', 'manifest.json is not JSON', { cause })
  }
  const manifest = value as Partial<Record<keyof Manifest, unknown>> | null
  if (manifest === null || typeof manifest !== 'object' || manifest.format !== 'islet') {
    throw new IsletError('invalid_file', 'manifest.json is not that of a packed model')
  }
  if (manifest.version !== MANIFEST_VERSION) {
    throw new IsletError(
      'unsupported_format',
      `manifest version ${String(manifest.version)}, this is version ${MANIFEST_VERSION}: pack again`,
    )
  }
  const complete =
    Array.isArray(manifest.tensors) && Array.isArray(manifest.shards) && isObject(manifest.spec)
  if (
    !complete ||
    !isObject(manifest.tokenizer) ||
    !isObject(manifest.chat) ||
    (manifest.prefix !== undefined && !isObject(manifest.prefix)) ||
    typeof manifest.id !== 'string'
  ) {
    throw new IsletError('invalid_file', 'manifest.json is incomplete: pack again')
  }
  const whole = value as Manifest
  if (!whole.shards.every((shard) => isObject(shard) && typeof shard.checksum === 'string')) {
    throw new IsletError(
      'unsupported_format',
      'manifest.json is by older rules, without checksums: pack again',
    )
  }
  const { embedding } = whole
  if (embedding !== undefined && !POOLINGS.includes(embedding.pooling))
    throw new IsletError(
      'unsupported_format',
      'manifest.json declares a pooling that is unknown here: pack again',
    )
  for (const { file, length } of packedFiles(whole)) {
    // A name with a path could point outside the folder.
    if (
      typeof file !== 'string' ||
      !/^[\w-]+\.bin$/.test(file) ||
      !Number.isSafeInteger(length) ||
      length < 0
    ) {
      throw new IsletError('invalid_file', `manifest.json names the file ${String(file)}: pack again`)
    }
  }
  return whole
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
