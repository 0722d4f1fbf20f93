// A byte reader reads through one buffer, whose memory is given back when it is not needed any more.

import { expect, test } from 'vitest'
import { byteReader, discard, type ReadBuffer } from '../../src/lib/byte-reader.ts'

const bytesOf = (pieces: readonly number[][]): ReadableStream<Uint8Array> => {
  const left = [...pieces]
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const piece = left.shift()
      if (piece !== undefined) controller.enqueue(Uint8Array.from(piece))
      else {
        controller.close()
        controller.byobRequest?.respond(0)
      }
    },
  })
}

test('streams are read one after another through one buffer, at least as many bytes as asked for', async () => {
  const into: ReadBuffer = { size: 8 }
  for (const stream of [bytesOf([[1, 2], [3], [4, 5, 6]]), bytesOf([[7, 8, 9]])]) {
    const reader = byteReader(stream, into)
    const first = await reader.read(3)
    expect(first!.buffer.byteLength).toBe(8)
    expect(first!.length).toBeGreaterThanOrEqual(3)
    while ((await reader.read()) !== undefined) expect(into.buffer!.byteLength).toBe(8)
    reader.releaseLock()
  }
})

test('a buffer that is discarded holds no memory', async () => {
  const into: ReadBuffer = { size: 8 }
  await byteReader(bytesOf([[1, 2], [3]]), into).read()
  const { buffer } = into
  expect(buffer!.byteLength).toBe(8)
  discard(buffer)
  expect(buffer!.byteLength).toBe(0)
  discard(undefined)
})

test('what is no byte stream is read without a buffer', async () => {
  const into: ReadBuffer = { size: 8 }
  const reader = byteReader(new Blob(['abc']).stream().pipeThrough(new TransformStream()), into)
  expect(new TextDecoder().decode(await reader.read())).toBe('abc')
  expect(into.buffer).toBeUndefined()
  expect(await reader.read()).toBeUndefined()
})
