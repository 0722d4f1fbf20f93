// Weights that arrive are brought into the order of this host's kernels, and back where a shard came damaged.

import { describe, expect, it } from 'vitest'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { Arrangement } from '../../src/graph/arrangement.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { isBySpan, rowGroupBytes, tensorBytes, TILES } from '../../src/kernels/layout.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import { checksum } from '../../src/lib/checksum.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import type { ByteSource } from '../../src/weights/source.ts'
import { upTo } from '../helpers/paged.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

describe('which tensors', () => {
  const placed = (kind: 'q4' | 'q4m' | 'q4n' | 'q6', offset: number, rows: number, cols: number) => {
    const length = tensorBytes(kind, rows, cols)
    return { name: '', source: '', kind, offset, length, rows, cols }
  }
  const first = placed('q4n', 0, 20, 100) // two row groups of two tiles
  const other = placed('q6', first.length, 16, 64)
  const last = placed('q4m', other.offset + other.length, 16, 64)
  const end = last.offset + last.length
  const calls: unknown[] = []
  const arrangement = new Arrangement(
    {
      arrange_nibbles: (...given) => void calls.push(['arrange', ...given]),
      restore_nibbles: (...given) => void calls.push(['restore', ...given]),
    },
    [first, other, last],
    1000,
  )
  const group = rowGroupBytes('q4n', 100)
  const firstBoth = (what: string) => [
    [what, 1000, 2, TILES.q4n.bytes],
    [what, 1000 + group, 2, TILES.q4n.bytes],
  ]
  const lastOne = (what: string) => [[what, 1000 + last.offset, 1, TILES.q4m.bytes]]

  it.each([
    ['none while its last byte is missing', first.length - 1, []],
    ['each row group of one that is there', first.length, firstBoth('arrange')],
    ['nothing twice, and nothing of another kind', end - 1, []],
    ['the last one', end, lastOne('arrange')],
    ['back, of what comes once more', first.length + 5, lastOne('restore')],
    ['and once more', Infinity, lastOne('arrange')],
    ['all of them back, the last one first', 0, [...lastOne('restore'), ...firstBoth('restore')]],
  ])('%s', (_, bytes, wanted) => {
    arrangement.reach(bytes)
    expect(calls.splice(0)).toEqual(wanted)
  })
})

const files = fileSource(TINY_FOLDER)
const { manifest } = await readModelText(files)
const weights = new Uint8Array(await new Response(await files.open(manifest.shards[0].file)).arrayBuffer())

/** In two shards, cut within a matrix of four bits; `damaged`: how often the second one has a wrong byte. */
function cut(damaged: number): { manifest: Manifest; source: ByteSource; opened: string[] } {
  const matrix = manifest.tensors.find(
    ({ name, kind }) => name.startsWith('layers.2.') && kind !== 'f16' && isBySpan(kind),
  )
  if (matrix === undefined) throw new Error('the embedded model has no matrix of four bits in layer 2')
  const at = matrix.offset + Math.floor(matrix.length / 3)
  const parts = new Map([
    ['a.bin', weights.subarray(0, at)],
    ['b.bin', weights.subarray(at)],
  ])
  const shards = [...parts].map(([file, bytes]) => {
    const sum = checksum()
    sum.update(bytes)
    return { ...manifest.shards[0], file, length: bytes.length, checksum: sum.hex() }
  })
  const opened: string[] = []
  const open = (file: string): Promise<ReadableStream<Uint8Array>> => {
    const bytes = (parts.get(file) ?? new Uint8Array()).slice()
    opened.push(file)
    if (opened.filter((name) => name === 'b.bin').length <= damaged && file === 'b.bin')
      bytes[bytes.length - 9] ^= 1
    return Promise.resolve(new Blob([bytes]).stream() as ReadableStream<Uint8Array>)
  }
  return { manifest: { ...manifest, shards }, source: { open }, opened }
}

async function logitsOf(build: string, damaged: number) {
  const { manifest, source, opened } = cut(damaged)
  const options = {
    window: { window: undefined, sinks: 0 },
    chunk: 16,
    pages: 2,
    kernels: nodeKernels(build),
  }
  const stage = await loadModel(manifest, source, options)
  stage.run(
    [5, 6, 7].map((id, position) => ({
      id,
      position,
      pages: upTo(2),
      yields: position < 2 ? 'nothing' : 'logits',
    })),
  )
  return { bits: Buffer.from(stage.logits(0).slice().buffer), opened }
}

describe.each(['plain', 'relaxed', 'quads'])('%s', (build) => {
  it('a matrix whose second half came damaged is what it would have been', async () => {
    const wanted = await logitsOf('quads', 0)
    const got = await logitsOf(build, 1)
    expect(got.opened).toEqual(['a.bin', 'b.bin', 'b.bin'])
    expect(Buffer.compare(got.bits, wanted.bits)).toBe(0)
  })
})
