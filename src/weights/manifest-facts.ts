// Manifest facts are what the router tells of a model; its manifest is read once for them.

import { errorCode } from '../lib/errors.ts'
import { takesWindow, type ModelSpec } from '../models/spec.ts'
import type { Manifest } from './manifest.ts'

type ManifestFacts = Partial<Pick<Manifest, 'sampling' | 'embedding'>> & {
  /** Of the spec. */
  shape?: { context: number; takesWindow: boolean }
}

type ReadFacts = Partial<Pick<Manifest, 'sampling' | 'embedding'>> & {
  spec?: Pick<ModelSpec, 'context' | 'prefix'>
}

/** The facts of a manifest; none where there is no manifest: the lane tells what is wrong with the model. */
export function factsBy(readManifest: () => Promise<ReadFacts>): () => Promise<ManifestFacts> {
  let known: ManifestFacts | undefined
  // Requests share what was read and no promise: one of another request's may never settle.
  return async () => (known ??= await readFacts(readManifest))
}

async function readFacts(readManifest: () => Promise<ReadFacts>): Promise<ManifestFacts> {
  try {
    const { sampling, embedding, spec } = await readManifest()
    const shape = spec && { context: spec.context, takesWindow: takesWindow(spec) }
    return { sampling, embedding, ...(shape && { shape }) }
  } catch (error) {
    if (errorCode(error) === 'invalid_file') return {}
    throw error
  }
}
