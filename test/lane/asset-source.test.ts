// These tests read manifest and tokenizer from assets, of which some come damaged.

import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { assetSource, readModelText } from '../../src/lane/asset-source.ts'
import { MANIFEST_VERSION, type Manifest } from '../../src/weights/manifest.ts'
import { ROOT } from '../helpers/worker.ts'

const FOLDER = `${ROOT}models/tiny`

/** Assets that change the tokenizer's bytes for as many fetches as there are changes. */
function assets(changes: ((bytes: Buffer) => Buffer)[]) {
  const fetched: string[] = []
  const left = [...changes]
  const source = assetSource(
    {
      async fetch({ pathname }) {
        const file = pathname.split('/').at(-1) ?? ''
        fetched.push(file)
        const bytes = await readFile(`${FOLDER}/${file}`)
        const change = file === 'tokenizer.bin' ? left.shift() : undefined
        return new Response(Uint8Array.from(change === undefined ? bytes : change(bytes)))
      },
    },
    'tiny',
  )
  return { source, fetched }
}

const flipped = (bytes: Buffer): Buffer => {
  bytes[1000] ^= 1
  return bytes
}
const cut = (bytes: Buffer): Buffer => bytes.subarray(0, 1000)

describe('a tokenizer', () => {
  it('that is whole is fetched once', async () => {
    const { source, fetched } = assets([])
    await readModelText(source)
    expect(fetched).toEqual(['manifest.json', 'tokenizer.bin'])
  })

  it.each([
    ['changed', flipped],
    ['cut', cut],
  ])('that came %s is fetched again, and nothing else', async (_, change) => {
    const { source, fetched } = assets([change])
    const { tokenizer } = await readModelText(source)
    expect(tokenizer.decode([...tokenizer.encode('twice')])).toContain('twice')
    expect(fetched).toEqual(['manifest.json', 'tokenizer.bin', 'tokenizer.bin'])
  })

  it('that came damaged twice is named', async () => {
    const { source, fetched } = assets([flipped, cut])
    await expect(readModelText(source)).rejects.toMatchObject({
      code: 'checksum_mismatch',
      message: expect.stringContaining('tokenizer.bin') as string,
    })
    expect(fetched.length).toBe(3)
  })
})

describe('a manifest', () => {
  const packed = async () => JSON.parse(await readFile(`${FOLDER}/manifest.json`, 'utf8')) as Manifest

  /** Assets with that manifest before the real tokenizer. */
  const withManifest = (text: string) =>
    assetSource(
      {
        fetch: async ({ pathname }) =>
          new Response(
            pathname.endsWith('manifest.json') ? text : Uint8Array.from(await readFile(`${ROOT}${pathname}`)),
          ),
      },
      'tiny',
    )

  it('of this version is taken', async () => {
    const manifest = await packed()
    expect(manifest.version).toBe(MANIFEST_VERSION)
    expect((await readModelText(withManifest(JSON.stringify(manifest)))).manifest).toEqual(manifest)
  })

  it.each<[string, (manifest: Manifest) => unknown]>([
    ['an older version', (manifest) => ({ ...manifest, version: MANIFEST_VERSION - 1 })],
    ['a newer version', (manifest) => ({ ...manifest, version: MANIFEST_VERSION + 1 })],
    ['its version as a text', (manifest) => ({ ...manifest, version: String(MANIFEST_VERSION) })],
    ['no version', ({ version: _, ...manifest }) => manifest],
    ['another format', (manifest) => ({ ...manifest, format: 'inlet' })],
    ['no shards', ({ shards: _, ...manifest }) => manifest],
    [
      'a shard without a checksum',
      (manifest) => ({
        ...manifest,
        shards: [...manifest.shards, { file: 'weights-009.bin', length: 1, sha256: '' }],
      }),
    ],
    ['nothing', () => null],
  ])('with %s is refused', async (_, change) => {
    await expect(readModelText(withManifest(JSON.stringify(change(await packed()))))).rejects.toMatchObject({
      code: 'invalid_file',
      message: expect.stringContaining(`version ${MANIFEST_VERSION}: pack the model again`) as string,
    })
  })

  it('that is no JSON is refused', async () => {
    await expect(readModelText(withManifest('<html>'))).rejects.toMatchObject({ code: 'invalid_file' })
  })
})

it('a file that is missing is named with its status', async () => {
  const source = assetSource({ fetch: async () => new Response('none', { status: 404 }) }, 'tiny')
  await expect(source.open('weights-000.bin')).rejects.toMatchObject({
    code: 'invalid_file',
    message: expect.stringMatching(/models\/tiny\/weights-000\.bin \(status 404\)/) as string,
  })
})
