// Hostile GGUF files: each claim that the file does not keep is an error of the right code, never a crash.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'
import { openSource } from '../../src/packing/open-source.ts'
import {
  buildGguf,
  type BuiltTensor,
  type GgufParts,
  llamaMetadata,
  llamaTensors,
  TINY,
  writeGguf,
} from '../helpers/gguf-builder.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'islet-gguf-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const parts = (): GgufParts => ({
  metadata: llamaMetadata(TINY),
  tensors: llamaTensors(TINY, 'F32', (bytes) => new Uint8Array(bytes)),
})

/** The file with the header of one tensor changed. */
function claiming(claims: BuiltTensor['claims'], index = 4): GgufParts {
  const file = parts()
  file.tensors[index].claims = claims
  return file
}

async function failure(file: GgufParts): Promise<IsletError> {
  const path = writeGguf(join(folder, 'hostile.gguf'), file)
  const error = await openSource(path).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof IsletError)) throw new Error(`no IsletError: ${String(error)}`)
  return error
}

it('opens the honest file that the others are made from', async () => {
  const source = await openSource(writeGguf(join(folder, 'honest.gguf'), parts()))
  expect(source.tensors).toHaveLength(20)
  await source.close()
})

describe('hostile headers', () => {
  const cases: [string, () => GgufParts, string, RegExp][] = [
    ['another magic', () => ({ ...parts(), claims: { magic: 'GGML' } }), 'invalid_file', /magic/],
    ['an unknown version', () => ({ ...parts(), claims: { version: 9 } }), 'invalid_file', /version/],
    [
      '2^60 tensors',
      () => ({ ...parts(), claims: { tensorCount: 1n << 60n } }),
      'invalid_file',
      /Tensor count/,
    ],
    ['2^60 keys', () => ({ ...parts(), claims: { keyCount: 1n << 60n } }), 'invalid_file', /count/],
    [
      'more tensors than the header holds',
      () => ({ ...parts(), claims: { tensorCount: 60_000n } }),
      'invalid_file',
      /./,
    ],
    ['data cut off', () => ({ ...parts(), cut: 1000 }), 'invalid_file', /ends at byte/],
    [
      'a header cut off',
      () => ({ metadata: llamaMetadata(TINY), tensors: [], claims: { tensorCount: 20n } }),
      'invalid_file',
      /./,
    ],
    ['an offset beyond the file', () => claiming({ offset: 1n << 40n }), 'invalid_file', /outside the file/],
    [
      'an offset that wraps',
      () => claiming({ offset: (1n << 64n) - 32n }),
      'invalid_file',
      /outside the file/,
    ],
    ['an offset off the alignment', () => claiming({ offset: 7n }), 'invalid_file', /multiple of 32/],
    ['two tensors in one place', () => claiming({ offset: 0n }), 'invalid_file', /overlap/],
    ['dimensions of 2^63', () => claiming({ dims: [1n << 63n, 1n << 63n] }), 'invalid_file', /dimension/],
    [
      'dimensions whose product overflows',
      () => claiming({ dims: [1n << 31n, 1n << 31n] }),
      'invalid_file',
      /outside the file/,
    ],
    ['a dimension of 0', () => claiming({ dims: [0n, 32n] }), 'invalid_file', /shape/],
    [
      'nine dimensions',
      () => claiming({ dims: Array.from({ length: 9 }, () => 1n) }),
      'invalid_file',
      /n_dims/,
    ],
    ['an unknown element type', () => claiming({ type: 99 }), 'unsupported_format', /type number 99/],
    ['a type that we do not read', () => claiming({ type: 20 }), 'unsupported_format', /type number 20/],
    ['rows that are no whole blocks', () => claiming({ type: 14 }), 'invalid_file', /multiple of 256/],
  ]
  for (const [what, make, code, message] of cases) {
    it(what, async () => {
      const error = await failure(make())
      expect(error.message).toMatch(message)
      expect(error.code).toBe(code)
    })
  }

  it('two tensors of one name', async () => {
    const file = parts()
    file.tensors[4] = { ...file.tensors[4], name: file.tensors[3].name }
    expect(await failure(file)).toMatchObject({ code: 'invalid_file' })
  })

  it('an alignment that is no power of two', async () => {
    const file = parts()
    file.metadata['general.alignment'] = { u32: 48 }
    expect((await failure(file)).message).toMatch(/alignment of 48/)
  })

  it('lists of 64-bit numbers where one value belongs', async () => {
    for (const key of [
      'general.alignment',
      'llama.rope.scaling.type',
      'llama.attention.head_count',
      'llama.expert_count',
    ]) {
      const file = parts()
      file.metadata[key] = { u64s: [32n] }
      expect([key, (await failure(file)).code]).toEqual([
        key,
        expect.stringMatching(/^(invalid_file|unsupported_format)$/),
      ])
    }
  })

  it('a key named like a property of every object', async () => {
    const file = parts()
    delete file.metadata['llama.block_count']
    Object.defineProperty(file.metadata, '__proto__', { value: { strings: ['x'] }, enumerable: true })
    expect((await failure(file)).message).toMatch(/llama\.block_count is missing/)
  })

  it('files that end early, at any byte of the header', async () => {
    const whole = buildGguf(parts())
    const path = join(folder, 'short.gguf')
    for (const length of [0, 3, 8, 24, 60, 200, 500, 1000, 1500]) {
      writeFileSync(path, whole.subarray(0, length))
      await expect(openSource(path)).rejects.toMatchObject({ name: 'IsletError' })
    }
  })
})
