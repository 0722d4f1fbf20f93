// This table holds the element types of model files: values per block, and bytes that a block takes.

/** Names as GGUF has them; safetensors' F32, F16 and BF16 are the same three. */
export type TensorType =
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'Q4_0'
  | 'Q4_1'
  | 'Q5_0'
  | 'Q5_1'
  | 'Q8_0'
  | 'Q2_K'
  | 'Q3_K'
  | 'Q4_K'
  | 'Q5_K'
  | 'Q6_K'

/** `values` of one block and the `bytes` it takes. */
export const BLOCKS: Readonly<Record<TensorType, { values: number; bytes: number }>> = {
  F32: { values: 1, bytes: 4 },
  F16: { values: 1, bytes: 2 },
  BF16: { values: 1, bytes: 2 },
  Q4_0: { values: 32, bytes: 18 },
  Q4_1: { values: 32, bytes: 20 },
  Q5_0: { values: 32, bytes: 22 },
  Q5_1: { values: 32, bytes: 24 },
  Q8_0: { values: 32, bytes: 34 },
  Q2_K: { values: 256, bytes: 84 },
  Q3_K: { values: 256, bytes: 110 },
  Q4_K: { values: 256, bytes: 144 },
  Q5_K: { values: 256, bytes: 176 },
  Q6_K: { values: 256, bytes: 210 },
}

/** GGUF's type numbers. */
const GGML_TYPES: ReadonlyMap<number, TensorType> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [6, 'Q5_0'],
  [7, 'Q5_1'],
  [8, 'Q8_0'],
  [10, 'Q2_K'],
  [11, 'Q3_K'],
  [12, 'Q4_K'],
  [13, 'Q5_K'],
  [14, 'Q6_K'],
  [30, 'BF16'],
])

/** The type behind a GGUF type number; undefined for those we do not read. */
export function typeOfGgml(number: number): TensorType | undefined {
  return GGML_TYPES.get(number)
}

/** True for F32, F16 and BF16. */
export function isFloat(type: TensorType): boolean {
  return BLOCKS[type].values === 1
}

/** Bytes of one row of `cols` values; cols must be a multiple of the block. */
export function storedRowBytes(type: TensorType, cols: number): number {
  return (cols / BLOCKS[type].values) * BLOCKS[type].bytes
}
