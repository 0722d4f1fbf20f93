// The plain twins are the Kernels interface in TypeScript, on the same memory. Tests hold the WASM kernels
// against them.

import type { Kernels } from '../kernels.ts'
import { attentionReference } from './attention.ts'
import { matmulReference } from './matmul.ts'
import { MemoryViews } from './memory.ts'
import { opsReference } from './ops.ts'

export function referenceKernels(memory: WebAssembly.Memory): Kernels {
  const views = new MemoryViews(memory.buffer)
  return { ...matmulReference(views), ...attentionReference(views), ...opsReference(views) }
}
