// Rows of logits that go from stage to hub leave no garbage on either side: each token's would be half a megabyte.

import { expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { RunStore } from '../../src/chain/run-store.ts'
import { answerCall } from '../../src/chain/stage-calls.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { familySubject } from '../helpers/family-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'

it('a stage answers with the same array whenever as many rows yield logits, and with its own bits', async () => {
  const { manifest, source } = await familySubject('qwen2').open()
  const { layers, vocab, hidden } = manifest.spec
  const range = { from: layers, to: layers, embedding: true, head: true, rows: { first: 0, end: 64 } }
  const options = { window: { window: undefined, sinks: 0 }, chunk: 4, logitRows: 4, pages: 4 }
  const stage = await loadModel(manifest, source, { ...options, kernels: nodeKernels(), range })
  const runs = new RunStore(nodeSql(), () => 0)
  const conclude = (rows: number, value: number): Float32Array => {
    const stream = Float32Array.from({ length: rows * hidden }, (_, i) => value + (i % 7))
    return answerCall({ do: 'conclude', yields: new Uint8Array(rows).fill(1), stream }, stage, runs).logits!
  }
  expect(vocab).toBeGreaterThan(64)
  const one = conclude(1, 1)
  const bits = one.slice()
  expect(one).toHaveLength(64)
  expect(conclude(1, -3)).toBe(one)
  expect(one).not.toEqual(bits)
  expect(conclude(2, 1).subarray(0, 64)).not.toBe(one)
  expect(conclude(1, 1)).toEqual(bits)
  // RPC sends the whole buffer of a view.
  expect(one.buffer.byteLength).toBe(4 * 64)
  expect(conclude(2, 1).buffer.byteLength).toBe(4 * 128)
  stage.release()
})
