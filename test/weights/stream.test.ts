// Weights into linear memory: in pieces of any size, checked by kernel and twin alike, with streams opened one ahead at most.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'
import { checksum } from '../../src/lib/checksum.ts'
import type { Shard } from '../../src/weights/manifest.ts'
import { CHECKSUM_SCRATCH, PlacedChecksum } from '../../src/weights/placed-checksum.ts'
import { streamWeights } from '../../src/weights/stream.ts'
import { rng } from '../helpers/rng.ts'

const SCRATCH = 65536
const WEIGHTS = SCRATCH + 256
const FILLER = 0xa5

const HOSTS: [string, (memory: WebAssembly.Memory) => Kernels][] = [
  ['reference', referenceKernels],
  ...Object.entries(nodeKernels()).flatMap(([name, module]): typeof HOSTS =>
    module === undefined ? [] : [[name, (memory) => instantiateKernels(module, memory)]],
  ),
]

type Files = Record<string, Uint8Array>

function shardsOf(lengths: readonly number[], seed = 1): { files: Files; shards: Shard[] } {
  const { int } = rng(seed)
  const files: Files = {}
  const shards = lengths.map((length, i): Shard => {
    const file = `weights-00${i}.bin`
    files[file] = new Uint8Array(length).map(() => int(256))
    const sum = checksum()
    sum.update(files[file])
    return { file, length, sha256: '', checksum: sum.hex() }
  })
  return { files, shards }
}

/** Serves files in pieces of random sizes, as byte streams or plain ones, those of `first` when opened for the first time; notes what happens to each. */
function served(files: Files, { bytes = true, most = 3000, first = {} as Files } = {}) {
  const events: string[] = []
  const { int } = rng(9)
  const open = async (file: string): Promise<ReadableStream<Uint8Array>> => {
    const content = events.includes(`open ${file}`) ? files[file] : (first[file] ?? files[file])
    events.push(`open ${file}`)
    if (content === undefined) throw Object.assign(new Error(`no ${file}`), { code: 'invalid_file' })
    let at = 0
    let started = false
    const source = {
      pull(controller: { enqueue(piece: Uint8Array<ArrayBuffer>): void; close(): void }) {
        if (!started) events.push(`read ${file}`)
        started = true
        const piece = content.slice(at, at + 1 + int(most))
        at += piece.length
        if (piece.length > 0) controller.enqueue(piece)
        if (at >= content.length) {
          controller.close()
          const { byobRequest } = controller as { byobRequest?: ReadableStreamBYOBRequest | null }
          byobRequest?.respond(0)
        }
      },
      cancel: () => void events.push(`cancel ${file}`),
    }
    return bytes
      ? new ReadableStream({ ...source, type: 'bytes' }, { highWaterMark: 0 })
      : new ReadableStream(source, { highWaterMark: 0 })
  }
  return { events, source: { open } }
}

function memoryFor(make: (memory: WebAssembly.Memory) => Kernels) {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 })
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(FILLER, SCRATCH)
  return { bytes, place: { memory, kernels: make(memory), weights: WEIGHTS, scratch: SCRATCH } }
}

describe.each(HOSTS)('with the kernels called %s', (_, make) => {
  it.each([true, false])(
    'shards lie one after the other, nothing else is touched (byte streams: %s)',
    async (kind) => {
      const { files, shards } = shardsOf([20_000, 64, 1, 12_345])
      const { bytes, place } = memoryFor(make)
      const progress: number[] = []
      await streamWeights({ shards }, served(files, { bytes: kind }).source, place, (done, total) => {
        expect(total).toBe(32_410)
        progress.push(done)
      })
      expect(progress.at(-1)).toBe(32_410)
      expect(progress).toEqual(progress.toSorted((a, b) => a - b))
      const all = shards.flatMap(({ file }) => [...files[file]])
      expect(Buffer.compare(bytes.subarray(WEIGHTS, WEIGHTS + all.length), Uint8Array.from(all))).toBe(0)
      const behind = bytes.subarray(WEIGHTS + all.length)
      expect(behind.every((byte) => byte === FILLER)).toBe(true)
      const between = bytes.subarray(SCRATCH + CHECKSUM_SCRATCH, WEIGHTS)
      expect(between.every((byte) => byte === FILLER)).toBe(true)
    },
  )

  it('a checksum in place is the one that packing wrote, however far it goes at a time', () => {
    const { bytes, place } = memoryFor(make)
    const { int } = rng(3)
    for (let round = 0; round < 100; round++) {
      const length = int(700)
      const start = WEIGHTS + 4 * int(40)
      bytes.set(
        new Uint8Array(length).map(() => int(256)),
        start,
      )
      const placed = new PlacedChecksum(place.kernels, place.memory, SCRATCH, start)
      for (let end = start + int(100); end < start + length; end += int(200)) placed.reach(end)
      placed.reach(start + length)
      const plain = checksum()
      plain.update(bytes.subarray(start, start + length))
      expect(placed.hex(start + length)).toBe(plain.hex())
    }
  })

  it('a damaged shard is named', async () => {
    const { files, shards } = shardsOf([5000, 7001, 3000])
    for (const at of [0, 4096, 7000]) {
      const damaged = files['weights-001.bin'].slice()
      damaged[at] ^= 1
      const { source } = served({ ...files, 'weights-001.bin': damaged })
      await expect(streamWeights({ shards }, source, memoryFor(make).place)).rejects.toMatchObject({
        code: 'checksum_mismatch',
        message: expect.stringContaining('weights-001.bin') as string,
      })
    }
  })
})

describe('a stream that is not what the manifest says', () => {
  const { files, shards } = shardsOf([5000, 7001, 3000])
  const refused = async (changed: Files): Promise<void> => {
    const { source, events } = served({ ...files, ...changed })
    const { bytes, place } = memoryFor(referenceKernels)
    await expect(streamWeights({ shards }, source, place)).rejects.toMatchObject({
      code: 'checksum_mismatch',
      message: expect.stringContaining('weights-001.bin') as string,
    })
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(events).toContain('cancel weights-002.bin')
    expect(events).not.toContain('read weights-002.bin')
    expect(events.filter((event) => event === 'open weights-001.bin').length).toBe(2)
    // Not even what is too much may go past its shard.
    expect(bytes.subarray(WEIGHTS + 12_001).every((byte) => byte === FILLER)).toBe(true)
  }

  it('because it ends early', () => refused({ 'weights-001.bin': files['weights-001.bin'].slice(0, 6000) }))
  it('because it is too long', () => refused({ 'weights-001.bin': new Uint8Array(7002) }))
  it('because it is empty', () => refused({ 'weights-001.bin': new Uint8Array(0) }))
  it('because it is another shard', () => refused({ 'weights-001.bin': files['weights-000.bin'] }))
  it('because two blocks changed places', () => {
    const swapped = files['weights-001.bin'].slice()
    swapped.copyWithin(64, 128, 192)
    swapped.set(files['weights-001.bin'].subarray(64, 128), 128)
    return refused({ 'weights-001.bin': swapped })
  })
})

describe('a shard that came damaged once', () => {
  const { files, shards } = shardsOf([5000, 7001, 3000])
  const damaged = files['weights-001.bin'].slice()
  damaged[3000] ^= 1
  const whole = Uint8Array.from(shards.flatMap(({ file }) => [...files[file]]))

  it.each([
    ['a wrong bit', damaged],
    ['an early end', damaged.slice(0, 2000)],
    ['too much', new Uint8Array(9000)],
  ])('is fetched again, and no other: %s', async (_, wrong) => {
    for (const bytes of [true, false]) {
      const { source, events } = served(files, { bytes, first: { 'weights-001.bin': wrong } })
      const memory = memoryFor(referenceKernels)
      const progress: number[] = []
      await streamWeights({ shards }, source, memory.place, (done) => progress.push(done))
      expect(events.filter((event) => event.startsWith('open'))).toEqual([
        'open weights-000.bin',
        'open weights-001.bin',
        'open weights-002.bin',
        'open weights-001.bin',
      ])
      expect(progress.at(-1)).toBe(whole.length)
      // With the shard before, and again before the shard comes once more.
      expect(progress.filter((done) => done === 5000)).toHaveLength(2)
      expect(Buffer.compare(memory.bytes.subarray(WEIGHTS, WEIGHTS + whole.length), whole)).toBe(0)
      expect(memory.bytes.subarray(WEIGHTS + whole.length).every((byte) => byte === FILLER)).toBe(true)
    }
  })

  it('is not fetched again where a stream broke off with an error of its own', async () => {
    const { source, events } = served(files)
    const open = async (file: string): Promise<ReadableStream<Uint8Array>> => {
      if (file !== 'weights-001.bin') return source.open(file)
      events.push(`open ${file}`)
      return new ReadableStream({ pull: (controller) => controller.error(new Error('connection lost')) })
    }
    await expect(streamWeights({ shards }, { open }, memoryFor(referenceKernels).place)).rejects.toThrow(
      'connection lost',
    )
    expect(events.filter((event) => event === 'open weights-001.bin').length).toBe(1)
  })
})

describe('opening', () => {
  it('goes one shard ahead of reading', async () => {
    const { files, shards } = shardsOf([4000, 4000, 4000])
    const { events, source } = served(files)
    await streamWeights({ shards }, source, memoryFor(referenceKernels).place)
    expect(events).toEqual([
      'open weights-000.bin',
      'open weights-001.bin',
      'read weights-000.bin',
      'open weights-002.bin',
      'read weights-001.bin',
      'read weights-002.bin',
    ])
  })

  it('fails in its turn where a file is missing', async () => {
    const { files, shards } = shardsOf([4000, 4000, 4000])
    delete files['weights-001.bin']
    const { events, source } = served(files)
    await expect(streamWeights({ shards }, source, memoryFor(referenceKernels).place)).rejects.toMatchObject({
      code: 'invalid_file',
    })
    expect(events).toEqual(['open weights-000.bin', 'open weights-001.bin', 'read weights-000.bin'])
  })

  it('takes bodies that come as one piece and end with it', async () => {
    const { files, shards } = shardsOf([2_500_000, 70_000])
    const open = async (file: string): Promise<ReadableStream<Uint8Array>> => {
      const { body } = new Response(files[file].slice())
      if (body === null) throw new Error(`${file} is empty`)
      return body
    }
    const memory = new WebAssembly.Memory({ initial: 45, maximum: 45 })
    const { plain } = nodeKernels()
    const place = { memory, kernels: instantiateKernels(plain, memory), weights: WEIGHTS, scratch: SCRATCH }
    await streamWeights({ shards }, { open }, place)
    const last = new Uint8Array(memory.buffer, WEIGHTS + 2_500_000, 70_000)
    expect(Buffer.compare(last, files['weights-001.bin'])).toBe(0)
  })

  it('has nothing to do where there are no shards', async () => {
    await streamWeights({ shards: [] }, served({}).source, memoryFor(referenceKernels).place)
  })
})
