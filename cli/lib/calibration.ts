// This Node calibrates a model that is about to be packed; of a known one it reads what was computed before.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isFloatPack, planPack, type PackOptions } from '../../src/packing/pack.ts'
import { calibrate } from '../../src/packing/calibrate.ts'
import type { Calibration } from '../../src/packing/calibration.ts'
import { readCalibration } from '../../src/packing/calibration-file.ts'
import { CALIBRATION_TEXT } from '../../src/packing/calibration-text.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { nodeKernels } from './kernels.ts'
import { progressBar } from './progress.ts'

const KEPT = fileURLToPath(new URL('../calibration/', import.meta.url))

/** Ids of the text that are run: a layer's scratch grows with them. */
const MOST_IDS = 512

/** The calibration that is kept of the model `name`: `cli/calibration/NAME.bin`. */
export function keptCalibrationFile(name: string): string {
  return `${KEPT}${name}.bin`
}

export async function keptCalibration(name: string, { spec }: ModelSource): Promise<Calibration | undefined> {
  const bytes = await readFile(keptCalibrationFile(name)).catch(() => undefined)
  return bytes && readCalibration(new Uint8Array(bytes), spec)
}

/**
 * Calibrates `given`, in the time that its floats take for some hundred tokens; by its whole vocabulary, so that a row's
 * bytes do not depend on which others stay. Undefined where there is no tokenizer, or where packing rounds nothing.
 */
export async function calibrationOf(
  given: ModelSource,
  options: PackOptions,
): Promise<Calibration | undefined> {
  const source = given.whole ?? given
  const tokenizer = await source.tokenizer()
  if (tokenizer === undefined || isFloatPack(source, planPack(source, options).entries)) return undefined
  if (options.quant === 'f32' || source.spec.prefix !== undefined) return undefined
  const reader = readTokenizer(tokenizer)
  const ids = reader.encode(CALIBRATION_TEXT)
  // A text begins with BOS, as chats do, or with any token that a line may begin with.
  const lines = CALIBRATION_TEXT.split('\n').flatMap((line) => reader.encode(line).slice(0, 1))
  const starts = [...new Set([...(reader.bosId === undefined ? [] : [reader.bosId]), ...lines])]
  const bar = progressBar(
    `calibrating ${source.name}`,
    process.stderr,
    (done, total) => `${done} of ${total} layers`,
  )
  try {
    return await calibrate(source, ids.slice(0, MOST_IDS), nodeKernels(), bar.update, starts)
  } finally {
    bar.finish()
  }
}
