// The tensor table lists a model's tensors for `inspect`, one a line or those of equal layers together.

import type { TensorEntry } from '../../src/weights/manifest.ts'
import { megabytes } from './progress.ts'

type Column = 'left' | 'right'

/** Every tensor with its place in the stream of weights. */
export function tensorTable(tensors: readonly TensorEntry[]): string {
  const rows = tensors.map((tensor) => [
    tensor.name,
    ...cellsOf(tensor),
    String(tensor.length),
    bits(tensor),
    String(tensor.offset),
  ])
  return columns(['tensor', 'shape', 'source', 'kind', 'bytes', 'bits', 'offset'], rows, 4)
}

/**
 * Neighbouring layers whose tensors are alike share their rows: `layers.0-31.q`. Bytes are those of one
 * tensor.
 */
export function groupedTable(tensors: readonly TensorEntry[]): string {
  type Group = { first: number; last: number; tensor: TensorEntry; role: string }
  const groups: Group[] = []
  const latest = new Map<string, Group>()
  for (const tensor of tensors) {
    const [, layer, role = tensor.name] = /^layers\.(\d+)\.(\w+)$/.exec(tensor.name) ?? []
    const number = Number(layer ?? -1)
    const known = latest.get(role)
    if (known?.last === number - 1 && isAlike(known.tensor, tensor)) {
      known.last = number
      continue
    }
    const group = { first: number, last: number, tensor, role }
    latest.set(role, group)
    groups.push(group)
  }
  const rows = groups.map(({ first, last, tensor, role }) => [
    first < 0 ? role : `layers.${first === last ? first : `${first}-${last}`}.${role}`,
    ...cellsOf(tensor),
    String(last - first + 1),
    String(tensor.length),
    bits(tensor),
  ])
  return columns(['tensor', 'shape', 'source', 'kind', 'count', 'bytes', 'bits'], rows, 4)
}

/** How many there are, and what they take by kind. */
export function tensorSummary(tensors: readonly TensorEntry[], bytes: number): string {
  const weights = tensors.reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  const kinds = new Map<string, number>()
  for (const { kind, length } of tensors) kinds.set(kind, (kinds.get(kind) ?? 0) + length)
  const sums = [...kinds].map(([kind, length]) => `${kind} ${megabytes(length)}`).join(', ')
  return `${tensors.length} tensors, ${weights} weights, ${bytes} bytes (MB: ${sums}), ${((bytes * 8) / weights).toFixed(2)} bits a weight`
}

/** Lines of cells, the first `left` columns to the left and the others to the right. */
export function columns(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  left: number,
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  )
  const side = (column: number): Column => (column < left ? 'left' : 'right')
  const pad = (cell: string, column: number): string =>
    side(column) === 'left' ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
  return [header, ...rows].map((cells) => cells.map(pad).join('  ').trimEnd()).join('\n')
}

function cellsOf({ rows, cols, source, kind }: TensorEntry): string[] {
  return [rows === 1 ? `${cols}` : `${rows} x ${cols}`, source, kind]
}

function bits({ length, rows, cols }: TensorEntry): string {
  return ((length * 8) / (rows * cols)).toFixed(2)
}

function isAlike(a: TensorEntry, b: TensorEntry): boolean {
  return a.rows === b.rows && a.cols === b.cols && a.kind === b.kind && a.source === b.source
}
