// A pooling is declared by whoever packs a model, or by the checkpoint's own files.

import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'
import { POOLINGS, type Pooling } from '../weights/manifest.ts'
import { readJsonFile, type ReadFile } from './small-file.ts'

/** Where sentence-transformers writes it. */
const FILE = '1_Pooling/config.json'

/**
 * The pooling of an option. Throws invalid_request for one that is unknown, or that a model with such a spec cannot have:
 * every family here reads from left to right, so that its first token knows nothing of a text.
 */
export function poolingNamed(name: string, spec: Pick<ModelSpec, 'prefix'>): Pooling {
  const found = POOLINGS.find((each) => each === name)
  const param = '--pooling'
  if (found === undefined)
    throw new IsletError('invalid_request', `--pooling ${name}: one of ${POOLINGS.join(', ')} is needed`, {
      param,
    })
  if (spec.prefix !== undefined && found !== 'last')
    throw new IsletError(
      'invalid_request',
      `--pooling ${name}: of a prompt that sees itself both ways the last state alone is there: use last`,
      { param },
    )
  return found
}

/** What a GGUF file declares, by the number of its pooling; undefined for none, and for one that we do not have. */
export function poolingOfGguf(metadata: { get(key: string): unknown }): Pooling | undefined {
  const type = metadata.get(`${String(metadata.get('general.architecture'))}.pooling_type`)
  return new Map<unknown, Pooling>([
    [1, 'mean'],
    [3, 'last'],
  ]).get(type)
}

/** What a folder of sentence-transformers declares. */
export async function poolingOfFolder(read: ReadFile): Promise<Pooling | undefined> {
  const config = await readJsonFile(read, FILE)
  if (config === undefined) return undefined
  if (config['pooling_mode_lasttoken'] === true) return 'last'
  return config['pooling_mode_mean_tokens'] === true ? 'mean' : undefined
}
