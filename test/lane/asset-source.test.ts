// These tests read manifest and tokenizer from assets, of which some come damaged.

import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { assetSource, readModelText } from '../../src/lane/asset-source.ts'
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
