// This file reads a Hugging Face folder as a ModelSource. Of the folder it takes config.json,
// model.safetensors or its shards, and the tokenizer's files.

import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MAX_CHECKPOINT_FILES } from '../formats/limits.ts'
import {
  parseSafetensors,
  SAFETENSORS_PREFIX,
  safetensorsHeaderLength,
  type StoredTensor,
} from '../formats/safetensors.ts'
import { IsletError } from '../lib/errors.ts'
import { factsOf } from '../models/facts.ts'
import type { Facts, Family } from '../models/family.ts'
import { familyOfConfig } from '../models/registry.ts'
import type { ModelSpec } from '../models/spec.ts'
import { inFile, naming } from './in-file.ts'
import { openRangeFile, type RangeFile } from './range-file.ts'
import { recommendedInConfig } from './recommended.ts'
import { poolingOfFolder } from './pooling.ts'
import { readJsonFile, type ReadFile } from './small-file.ts'
import { matchTensors, type ModelSource } from './source.ts'
import {
  chatFromFolder,
  TEMPLATE_FILE,
  isTokenizerFile,
  tiktokenAmong,
  tokenizerFromFolder,
} from './tokenizer-hf.ts'
import { fitTokenizer } from './tokenizer-fit.ts'
import { writeTokenizer } from './tokenizer-write.ts'

const INDEX = 'model.safetensors.index.json'

/** Opens a folder with config.json; errors name the file at fault. */
export async function openSafetensorsFolder(
  folder: string,
  read: ReadFile,
  name: string,
): Promise<ModelSource> {
  const config = factsOf(await readJson(read, 'config.json'))
  const [family, spec] = naming('config.json', () => specOf(config))
  const files: RangeFile[] = []
  const close = async (): Promise<void> => {
    for (const file of files) await file.close()
  }
  try {
    const stored = new Map<string, StoredTensor & { file: RangeFile }>()
    const names = await weightFiles(read)
    const table = names.length === 1 ? names[0] : INDEX // what a missing tensor is missing in
    for (const fileName of names) {
      const file = await openRangeFile(join(folder, fileName))
      files.push(file)
      for (const tensor of await readTable(file, fileName)) {
        if (stored.has(tensor.name))
          throw new IsletError('invalid_file', `${fileName} has a second tensor ${tensor.name}`)
        stored.set(tensor.name, { ...tensor, file })
      }
    }
    return {
      name,
      spec,
      tensors: naming(table, () => matchTensors(family, spec, 'huggingface', stored)),
      chat: await chatFromFolder(read, basename(folder)),
      chatFile: (await read(TEMPLATE_FILE)) === undefined ? 'tokenizer_config.json' : TEMPLATE_FILE,
      license: undefined,
      sampling: recommendedInConfig(await readJsonFile(read, 'generation_config.json')),
      pooling: await poolingOfFolder(read),
      tokenizer: () => readTokenizer(folder, read, spec.vocab),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function specOf(config: Facts): [Family, ModelSpec] {
  const family = familyOfConfig(config)
  return [family, family.specFromConfig(config)]
}

/** A JSON object from a file of the folder; `invalid_file` if it is absent or something else. */
export async function readJson(read: ReadFile, name: string): Promise<object> {
  const value = await readJsonFile(read, name)
  if (value === undefined) throw new IsletError('invalid_file', `${name} is missing`)
  return value
}

async function readTokenizer(folder: string, read: ReadFile, vocab: number): Promise<Uint8Array | undefined> {
  const names = await readdir(folder)
  if (!names.some(isTokenizerFile)) return undefined
  const source = await tokenizerFromFolder(read, tiktokenAmong(names))
  return naming(source.file ?? folder, () => writeTokenizer(fitTokenizer(source, vocab)))
}

/** The weight files: those the index names, else model.safetensors. */
async function weightFiles(read: ReadFile): Promise<string[]> {
  if ((await read(INDEX)) === undefined) return ['model.safetensors']
  const map = factsOf(await readJson(read, INDEX)).get('weight_map')
  const names = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : []
  if (names.length === 0 || names.length > MAX_CHECKPOINT_FILES) {
    throw new IsletError(
      'invalid_file',
      `${INDEX} names ${names.length} files, from 1 to ${MAX_CHECKPOINT_FILES} are read`,
    )
  }
  // A name with a path could point outside the folder.
  const plain = names.filter(
    (name): name is string => typeof name === 'string' && /^[\w.-]+\.safetensors$/.test(name),
  )
  if (plain.length !== names.length)
    throw new IsletError('invalid_file', `${INDEX} names files that are no safetensors`)
  return plain
}

async function readTable(file: RangeFile, name: string): Promise<StoredTensor[]> {
  if (file.size < SAFETENSORS_PREFIX)
    throw new IsletError('invalid_file', `${name} has ${file.size} bytes: no safetensors file`)
  try {
    const length = safetensorsHeaderLength(await file.read(0, SAFETENSORS_PREFIX), file.size)
    return parseSafetensors(await file.read(SAFETENSORS_PREFIX, length), file.size)
  } catch (error) {
    throw inFile(name, error)
  }
}
