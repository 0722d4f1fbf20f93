// Picked rows are some of a stored matrix's rows, read as if they lay alone in a file.

import { storedRowBytes } from '../../formats/dtype.ts'
import type { SourceTensor } from '../source.ts'

/** The matrix that consists of the rows `picked` (ascending) of `tensor`, which lie there as they are needed. */
export function pickRows(tensor: SourceTensor, picked: Uint32Array): SourceTensor {
  const { file, offset } = tensor
  const length = storedRowBytes(tensor.type, tensor.cols)
  return {
    ...tensor,
    rows: picked.length,
    offset: 0,
    file: {
      name: file.name,
      size: picked.length * length,
      close: () => file.close(),
      async read(start, bytes) {
        const out = new Uint8Array(bytes)
        const [first, end] = [start / length, (start + bytes) / length]
        for (let row = first; row < end;) {
          // Neighbours are read together.
          let run = 1
          while (row + run < end && picked[row + run] === picked[row] + run) run++
          const part = await file.read(offset + picked[row] * length, run * length)
          out.set(part, (row - first) * length)
          row += run
        }
        return out
      },
    },
  }
}
