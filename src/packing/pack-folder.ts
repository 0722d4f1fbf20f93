// This file packs a model into a folder: shards, tokenizer.bin, manifest.json. The folder appears whole or
// not at all.

import { lstat, readdir, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { KvKind } from '../graph/buffers.ts'
import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'
import { TOKENIZER_FILE, type Manifest } from '../weights/manifest.ts'
import { PREFIX_FILE } from '../weights/packed-prefix.ts'
import type { Calibration } from './calibration.ts'
import { checkedId, makeManifest, parseManifest } from './make-manifest.ts'
import { packInto, type PackOptions } from './pack.ts'
import type { Prefix } from './template-prefix.ts'
import { writeShards } from './shard-files.ts'
import { folderReader } from './small-file.ts'
import type { ModelSource } from './source.ts'
import { checkChat } from './chat-format.ts'
import { inWorkplace } from './workplace.ts'

export const MANIFEST_FILE = 'manifest.json'

/** Of a model that is cut into stages: a folder for each, `0` for the hub's. */
export const STAGES_FOLDER = 'stages'

/** Computes the prefix of the model whose weights are in `folder`: kernels and files are the caller's. */
export type PrefixMaker = (
  manifest: Manifest,
  folder: string,
  tokenizer: Uint8Array,
) => Promise<Prefix | undefined>

/** Chooses the precision of the KV cache for the model whose weights are in `folder`; undefined: as its family has it. */
export type KvChooser = (
  manifest: Manifest,
  folder: string,
  tokenizer: Uint8Array,
) => Promise<KvKind | undefined>

export type FolderOptions = PackOptions & {
  /** Calibrates once it is sure that the source can be packed; left out: `calibration` is what there is. */
  calibrate?: (source: ModelSource, options: PackOptions) => Promise<Calibration | undefined>
  /** Left out: the family decides. */
  chooseKv?: KvChooser
  /** Left out: the folder gets no prefix. */
  makePrefix?: PrefixMaker
}

/**
 * Packs `source` into the folder `out`, replacing a packed model that is there. `invalid_request` if
 * something else is. A checkpoint without a tokenizer gets an empty tokenizer.bin.
 */
export async function packToFolder(
  source: ModelSource,
  out: string,
  options: FolderOptions = {},
): Promise<Manifest> {
  const target = resolve(out)
  checkedId(options.id ?? source.name)
  await checkReplaceable(target)
  // What is small first: a file that we cannot read should fail before minutes of work.
  checkChat(source)
  const tokenizer = (await source.tokenizer()) ?? new Uint8Array(0)
  return inWorkplace(target, async (folder) => {
    const calibration = await options.calibrate?.(source, options)
    return writeFolder(source, folder, tokenizer, { ...options, ...(calibration && { calibration }) })
  })
}

async function writeFolder(
  source: ModelSource,
  folder: string,
  tokenizer: Uint8Array,
  options: FolderOptions,
): Promise<Manifest> {
  const { result: tensors, shards } = await writeShards(folder, (sink) => packInto(source, options, sink))
  const manifestOf = (spec: ModelSpec): Manifest =>
    makeManifest({ ...source, spec }, options.id, tensors, shards, tokenizer)
  const plain = manifestOf(source.spec)
  const kv = await options.chooseKv?.(plain, folder, tokenizer)
  const manifest = kv === undefined ? plain : manifestOf(withKv(source.spec, kv))
  const prefix = await options.makePrefix?.(manifest, folder, tokenizer)
  if (prefix !== undefined) {
    await writeFile(join(folder, PREFIX_FILE), prefix.bytes)
    manifest.prefix = prefix.entry
  }
  await writeFile(join(folder, TOKENIZER_FILE), tokenizer)
  await writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`)
  return manifest
}

function withKv(spec: ModelSpec, kv: KvKind): ModelSpec {
  return { ...spec, attention: { ...spec.attention, kv } }
}

async function checkReplaceable(target: string): Promise<void> {
  const facts = await stat(target).catch(() => lstat(target).catch(() => undefined))
  if (facts === undefined) return
  const refusal = new IsletError(
    'invalid_request',
    `${target} exists and is no packed model: choose another OUT or remove it`,
    { param: 'OUT' },
  )
  if (!facts.isDirectory()) throw refusal
  const names = await readdir(target)
  if (names.length === 0) return
  if (!names.includes(MANIFEST_FILE) || !(await isOurs(target))) throw refusal
  try {
    parseManifest(new TextDecoder().decode(await folderReader(target)(MANIFEST_FILE)))
  } catch (error) {
    // One that a newer or older program wrote is still a packed model.
    if (!(error instanceof IsletError) || error.code !== 'unsupported_format') throw refusal
  }
}

/** Whether nothing is in the folder but what packing and cutting write. */
async function isOurs(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true })
  const stages = entries.filter((entry) => entry.isDirectory() && isStages(entry.name))
  for (const { name } of stages) {
    const path = join(folder, name)
    for (const stage of await readdir(path))
      if (!/^\d+$/.test(stage) || !(await readdir(join(path, stage))).every(isFile)) return false
  }
  return entries.every((entry) => stages.includes(entry) || isFile(entry.name))
}

function isFile(name: string): boolean {
  return [MANIFEST_FILE, TOKENIZER_FILE, PREFIX_FILE].includes(name) || /^weights-\d+\.bin$/.test(name)
}

/** Those of a process that was killed while it cut lie beside them (workplace.ts). */
function isStages(name: string): boolean {
  return name === STAGES_FOLDER || new RegExp(`^\\.${STAGES_FOLDER}\\.\\d+\\.(packing|replaced)$`).test(name)
}
