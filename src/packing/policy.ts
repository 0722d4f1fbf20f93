// The policy says which kind each tensor is stored as. --quant rules the layers, --embedding the token
// embedding and the head.

import { isFloat, type TensorType } from '../formats/dtype.ts'
import { tensorBytes } from '../kernels/layout.ts'
import { IsletError } from '../lib/errors.ts'
import type { TensorKind } from '../kernels/layout.ts'
import { partName } from '../weights/table.ts'

export const QUANTS = ['auto', 'keep', 'q4', 'q4s', 'q8', 'f32'] as const
export const EMBEDDINGS = ['auto', 'keep', 'q8', 'q6', 'q5', 'q4', 'f32'] as const
export type Quant = (typeof QUANTS)[number]
export type Embedding = (typeof EMBEDDINGS)[number]

/** 6 bits instead of 8 save 18 % and cost some quality (docs/decisions/0003): worth it from this size on. */
const LARGE_TABLE = 16 * 1024 * 1024

/** No isolate holds a table of this size, whatever its kind: nothing is gained by fewer bits. */
const TOO_LARGE_TABLE = 100e6

type Tensor = { role: string; type: TensorType; rows: number; cols: number; vector: boolean }

/**
 * Kinds of a table of 6 bits, each from a row on. A tokenizer's ids come in the order in which its merges were learnt: the
 * first are the tokens that most texts are made of, and those far behind are met rarely
 * (docs/quantising.md).
 */
const TABLE_RANGES: readonly { first: number; kind: TensorKind }[] = [
  { first: 0, kind: 'q8' },
  { first: 1056, kind: 'q6' },
  { first: 40960, kind: 'q5' },
]

/** Rows of a tensor that are stored alike: `name` is the role, or a part's of it (weights/table.ts). */
export type TensorPart = { name: string; kind: TensorKind; first: number; rows: number }

/**
 * How a tensor is stored, from its first row on. All parts but the last have whole row groups. `isTrimmed`: its table is a part of
 * another's, whose rows are all of ids that texts use, so none has fewer than 6 bits.
 */
export function packedParts(
  tensor: Tensor,
  quant: Quant,
  embedding: Embedding,
  isTrimmed = false,
): TensorPart[] {
  const { role, rows } = tensor
  const kind = packedKind(tensor, quant, embedding)
  const ranges = TABLE_RANGES.filter(({ first, kind }) => first < rows && !(isTrimmed && kind === 'q5'))
  if (embedding !== 'auto' || kind !== 'q6' || ranges.length === 1)
    return [{ name: role, kind, first: 0, rows }]
  return ranges.map(({ first, kind }, at) => {
    const end = ranges[at + 1]?.first ?? rows
    return { name: partName(role, first), kind, first, rows: end - first }
  })
}

/** The kind of a tensor; of a table whose rows differ, that which it would have without ranges. Vectors are always f32: they are small and everything passes through them. */
export function packedKind(tensor: Tensor, quant: Quant, embedding: Embedding): TensorKind {
  if (tensor.vector) return 'f32'
  if (tensor.role === 'embedding' || tensor.role === 'head') return embeddingKind(tensor, quant, embedding)
  if (quant === 'keep') return sameKind(tensor.type)
  if (quant === 'auto') return narrowed(sameKind(tensor.type))
  if (quant === 'q4') return fourBits(tensor.type)
  return quant === 'q4s' ? 'q4' : quant
}

/** `value` as one of `allowed`; `invalid_request` names the option. */
export function choice<T extends string>(value: string, allowed: readonly T[], option: string): T {
  const found = allowed.find((each) => each === value)
  if (found !== undefined) return found
  throw new IsletError('invalid_request', `${option} ${value}: one of ${allowed.join(', ')} is needed`, {
    param: option,
  })
}

function embeddingKind(tensor: Tensor, quant: Quant, embedding: Embedding): TensorKind {
  if (embedding === 'keep') return sameKind(tensor.type)
  if (embedding === 'q4') return fourBits(tensor.type)
  if (embedding !== 'auto') return embedding
  if (quant === 'f32') return 'f32'
  if (isFloat(tensor.type) && (quant === 'keep' || quant === 'auto')) return 'f32'
  const same = sameKind(tensor.type)
  if (quant !== 'q8' && (same === 'q4' || same === 'q4m')) return quant === 'keep' ? same : narrowed(same)
  const saves =
    tensorBytes('q8', tensor.rows, tensor.cols) > LARGE_TABLE &&
    tensorBytes('q6', tensor.rows, tensor.cols) < TOO_LARGE_TABLE
  return saves ? 'q6' : 'q8'
}

/** The kind that holds a type without another rounding; 6 bits for Q6_K, INT8 for the others, f32 for floats. */
function sameKind(type: TensorType): TensorKind {
  if (type === 'Q4_0') return 'q4'
  if (type === 'Q4_1' || type === 'Q4_K') return 'q4m'
  if (type === 'Q5_0') return 'q5'
  if (type === 'Q6_K') return 'q6'
  return isFloat(type) ? 'f32' : 'q8'
}

/** Four bits as they are stored; with a minimum for all else, which loses less than a scale alone. */
function fourBits(type: TensorType): TensorKind {
  return type === 'Q4_0' ? 'q4' : 'q4n'
}

/** 8 bits for each constant instead of 16 are a tenth less for a small part of what 4 bits lost (docs/quantising.md). */
function narrowed(kind: TensorKind): TensorKind {
  return kind === 'q4m' ? 'q4n' : kind
}
