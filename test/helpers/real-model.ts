// The default model, where it was pulled: packed in models/, its artefact in models/.cache.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url))

export const REAL_ID = 'smollm2-135m-instruct'
export const REAL_FOLDER = `${MODELS}${REAL_ID}`
export const TINY_FOLDER = `${MODELS}tiny`
export const REAL_GGUF =
  process.env['ISLET_SMOLLM2_GGUF'] ?? `${MODELS}.cache/SmolLM2-135M-Instruct.Q4_1.gguf`

/** A larger model of another family: `npm run islet -- pull gemma-3-270m`. */
export const GEMMA_FOLDER = `${MODELS}gemma-3-270m`
export const GEMMA_GGUF = `${MODELS}.cache/gemma-3-270m-q4_k_m.gguf`

/** The same with a part of its vocabulary: `npm run islet -- pull gemma-3-270m-en`. */
export const TRIMMED_FOLDER = `${MODELS}gemma-3-270m-en`

/** Why its tests are skipped, or undefined when it is there. */
export function missingTrimmed(): string | undefined {
  const there = existsSync(`${TRIMMED_FOLDER}/manifest.json`)
  return there ? undefined : 'gemma-3-270m-en is not here: npm run islet -- pull gemma-3-270m-en'
}

/** Why its test is skipped, or undefined when what it needs is there. */
export function missingGemma(
  needed: readonly string[] = [`${GEMMA_FOLDER}/manifest.json`, GEMMA_GGUF],
): string | undefined {
  return needed.every((path) => existsSync(path))
    ? undefined
    : 'gemma-3-270m is not here: npm run islet -- pull gemma-3-270m'
}

/** Why the real model's tests are skipped, or undefined when it is there. In CI a missing model is an error. */
export function missingModel(path = `${REAL_FOLDER}/manifest.json`): string | undefined {
  if (existsSync(path)) return undefined
  if (process.env['ISLET_REQUIRE_MODEL'] !== undefined)
    throw new Error(`${path} is missing, and CI skips nothing`)
  return `${REAL_ID} is not here: npm run islet -- pull`
}
