// This file chooses the precision of the KV cache where the machine is not an isolate.

import { servedKv, type KvKind } from '../../src/graph/buffers.ts'
import type { Manifest } from '../../src/weights/manifest.ts'

/** f32 for a checkpoint that was kept in floating point, else as the worker has it. */
export function localKv({ float, spec }: Manifest): KvKind {
  return float ? 'f32' : servedKv(spec)
}
