// Products are one to the kernels where their matrices and their results follow each other, and nowhere else.

import { describe, expect, it } from 'vitest'
import { joined, type Product } from '../../src/graph/linear.ts'
import { tensorBytes } from '../../src/kernels/layout.ts'

const ROWS = 32
const COLS = 64
const NEXT = tensorBytes('q4m', ROWS, COLS)

const product = (at: number, out: number, changes: Partial<Product['matrix']> = {}): Product => ({
  matrix: { at, kind: 'q4m', rows: ROWS, cols: COLS, ...changes },
  out,
  stride: 512,
})
const first = product(1024, 0)

describe('two products', () => {
  it('are one where both follow each other', () => {
    const third = product(1024 + 2 * NEXT, 8 * ROWS)
    expect(joined([first, product(1024 + NEXT, 4 * ROWS), third])).toEqual([
      { ...first, matrix: { ...first.matrix, rows: 3 * ROWS } },
    ])
  })

  it.each<[string, Product, Product]>([
    ['matrices with a gap', first, product(1024 + NEXT + 64, 4 * ROWS)],
    ['results with a gap', first, product(1024 + NEXT, 4 * ROWS + 64)],
    ['another kind', first, product(1024 + NEXT, 4 * ROWS, { kind: 'q4' })],
    ['other columns', first, product(1024 + NEXT, 4 * ROWS, { cols: 2 * COLS })],
    [
      'a row group that is not full',
      product(1024, 0, { rows: 20 }),
      product(1024 + tensorBytes('q4m', 20, COLS), 80),
    ],
    ['floats', product(1024, 0, { kind: 'f32' }), product(1024 + ROWS * COLS * 4, 4 * ROWS, { kind: 'f32' })],
  ])('are two with %s', (_, one, other) => {
    expect(joined([one, other])).toEqual([one, other])
  })
})
