// This file cuts a packed model into stages: folders inside its own, each with the weights of one script.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checksum } from '../lib/checksum.ts'
import { IsletError } from '../lib/errors.ts'
import type { Manifest, PackedFile, StageShare } from '../weights/manifest.ts'
import { rangeOf } from '../weights/range.ts'
import type { KeptShard } from '../weights/stream.ts'
import { fileSha256 } from './file-sha256.ts'
import { naming } from './in-file.ts'
import { parseManifest } from './make-manifest.ts'
import { MANIFEST_FILE, STAGES_FOLDER } from './pack-folder.ts'
import type { Sink } from './pack.ts'
import { planStages, type PlannedShare, type StageCount } from './plan-stages.ts'
import { writeShards } from './shard-files.ts'
import { factsOfFile, folderReader } from './small-file.ts'
import type { PlanSettings } from './stage-memory.ts'
import { inWorkplace } from './workplace.ts'

/** The folder of a stage of the model in `folder`. */
export function stageFolder(folder: string, index: number): string {
  return join(folder, STAGES_FOLDER, String(index))
}

/**
 * Cuts the packed model in `folder` by its plan, in the place of stages that are there: they appear whole or not at all. A
 * model that one isolate holds has none then, where the plan is to decide. Throws what planning throws, `model_not_found`
 * for no packed model, `invalid_request` for a stage, and `checksum_mismatch` for a damaged one.
 */
export async function cutModel(
  folder: string,
  stages: StageCount,
  settings: PlanSettings,
): Promise<PlannedShare[]> {
  const whole = await readManifest(folder)
  if (whole.stage !== undefined)
    throw new IsletError('invalid_request', `${folder} is a stage of a model: cut the model itself`)
  const shares = planStages(whole, stages, settings)
  const target = join(resolve(folder), STAGES_FOLDER)
  if (shares.length === 1) await rm(target, { recursive: true, force: true })
  else await inWorkplace(target, (place) => writeStages(whole, folder, shares, place))
  return shares
}

/** What the model in `folder` is cut into; undefined where it is not, or was by another manifest. */
export async function sharesIn(folder: string): Promise<readonly StageShare[] | undefined> {
  const [whole, hub] = await Promise.all([folder, stageFolder(folder, 0)].map(manifestIn))
  if (whole === undefined || hub?.stage === undefined || hub.hash !== whole.hash) return undefined
  return hub.stage.shares
}

async function writeStages(
  whole: Manifest,
  folder: string,
  planned: readonly PlannedShare[],
  place: string,
): Promise<void> {
  const shares = planned.map(({ range, weightBytes }): StageShare => ({ range, weightBytes }))
  for (const [index, { range }] of shares.entries()) {
    const stage = join(place, String(index))
    await mkdir(stage)
    const weights = rangeOf(whole, range)
    const { shards } = await writeShards(stage, (sink) => copyWeights(folder, weights.shards, sink))
    const manifest: Manifest = { ...whole, tensors: weights.tensors, shards, stage: { index, shares } }
    // Pages of all layers: a chain computes the prefix like any prompt.
    delete manifest.prefix
    if (index === 0) await writeFile(join(stage, whole.tokenizer.file), await tokenizerOf(whole, folder))
    await writeFile(join(stage, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`)
  }
}

/** What a range has of the shards, in their order: one shard at a time is in memory. */
async function copyWeights(folder: string, shards: readonly KeptShard[], sink: Sink): Promise<void> {
  for (const shard of shards) {
    const bytes = await contentOf(folder, shard)
    const sum = checksum()
    sum.update(bytes)
    if (sum.hex() !== shard.checksum) throw damaged(shard)
    for (const { from, to } of shard.kept ?? [{ from: 0, to: bytes.length }])
      await sink(bytes.subarray(from, to))
  }
}

async function tokenizerOf({ tokenizer }: Manifest, folder: string): Promise<Uint8Array> {
  const bytes = await contentOf(folder, tokenizer)
  const hash = fileSha256()
  hash.update(bytes)
  if (hash.hex() !== tokenizer.sha256) throw damaged(tokenizer)
  return bytes
}

async function contentOf(folder: string, packed: PackedFile): Promise<Uint8Array> {
  const path = join(folder, packed.file)
  const facts = await factsOfFile(path, path)
  if (facts === undefined)
    throw new IsletError('model_not_found', `${path} is missing: pack or pull the model again`)
  if (facts.size !== packed.length) throw damaged(packed)
  return readFile(path)
}

function damaged({ file }: PackedFile): IsletError {
  return new IsletError(
    'checksum_mismatch',
    `${file} is not what the manifest says: pack or pull the model again`,
  )
}

async function readManifest(folder: string): Promise<Manifest> {
  const manifest = await manifestIn(folder)
  if (manifest !== undefined) return manifest
  throw new IsletError('model_not_found', `${join(folder, MANIFEST_FILE)} is missing: pack the model first`)
}

async function manifestIn(folder: string): Promise<Manifest | undefined> {
  const bytes = await folderReader(folder)(MANIFEST_FILE)
  return bytes && naming(MANIFEST_FILE, () => parseManifest(new TextDecoder().decode(bytes)))
}
