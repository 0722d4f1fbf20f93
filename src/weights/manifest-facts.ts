// Manifest facts are what the router tells of a model; its manifest is read once for them.

import { errorCode } from '../lib/errors.ts'
import type { Manifest } from './manifest.ts'

type ManifestFacts = Partial<Pick<Manifest, 'sampling' | 'embedding'>>

/** The facts of a manifest; none where there is no manifest: the lane tells what is wrong with the model. */
export function factsBy(readManifest: () => Promise<ManifestFacts>): () => Promise<ManifestFacts> {
  let known: ManifestFacts | undefined
  // Requests share what was read and no promise: one of another request's may never settle.
  return async () => (known ??= await readFacts(readManifest))
}

async function readFacts(readManifest: () => Promise<ManifestFacts>): Promise<ManifestFacts> {
  try {
    const { sampling, embedding } = await readManifest()
    return { sampling, embedding }
  } catch (error) {
    if (errorCode(error) === 'invalid_file') return {}
    throw error
  }
}
