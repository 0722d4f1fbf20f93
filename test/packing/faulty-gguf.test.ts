// GGUF files that cannot be used: all commands give the same reason, and what is missing is never read as zeros.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openTextModel } from '../../cli/lib/model.ts'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { llamaMetadata, llamaTensors, TINY, writeGguf, type Value } from '../helpers/gguf-builder.ts'
import { Places } from '../helpers/refused-pack.ts'

const places = new Places()
const tensors = llamaTensors(TINY, 'Q8_0', (bytes, type) =>
  type === 'F32' ? new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer) : new Uint8Array(bytes).fill(3),
)
const names = Array.from({ length: TINY.vocab }, (_, i) => (i === 0 ? '!"' : String.fromCharCode(0x20 + i)))
const tokenizer = (pre: string): Record<string, Value> => ({
  'tokenizer.ggml.model': { string: 'gpt2' },
  'tokenizer.ggml.pre': { string: pre },
  'tokenizer.ggml.tokens': { strings: names },
  'tokenizer.ggml.merges': { strings: ['! "'] },
})

function write(extra: Record<string, Value>, name = 'model.gguf'): string {
  return writeGguf(join(places.folder(), name), { metadata: { ...llamaMetadata(TINY), ...extra }, tensors })
}

/** What each way to open the file says. */
async function reasons(path: string): Promise<unknown[]> {
  const ways = [
    async () => {
      const source = await openSource(path)
      await source.tokenizer().finally(() => source.close())
    },
    () => openTextModel(path, {}),
    () => tokenizerOf(path),
  ]
  return Promise.all(
    ways.map((open) =>
      open().then(
        () => 'opened',
        (error: Error) => error.message,
      ),
    ),
  )
}

describe('a GGUF file', () => {
  it('with a pre-tokenizer that is not known has the reason of packing everywhere', async () => {
    const [packing, ...others] = await reasons(write(tokenizer('of-tomorrow')))
    expect(packing).toMatch(/of-tomorrow/)
    expect(others).toEqual([packing, packing])
    expect(await reasons(write(tokenizer('gpt-2')))).toEqual(['opened', 'opened', 'opened'])
  })

  it('that is cut off in its header is refused at every place', async () => {
    const path = write(tokenizer('gpt-2'))
    const bytes = readFileSync(path)
    const header = bytes.indexOf('output_norm.weight') + 'output_norm.weight'.length + 4 + 8 + 4 + 8
    for (let length = header - 1; length > 24; length -= 97) {
      writeFileSync(path, bytes.subarray(0, length))
      for (const reason of await reasons(path))
        expect(reason, `of ${length} bytes`).toMatch(/cut off|cannot be read/)
    }
    writeFileSync(path, bytes.subarray(0, header))
    await tokenizerOf(path)
  }, 60_000)

  it('that is one part of several names the others', async () => {
    const part = (no: number, count: number, name: string) =>
      write({ 'split.no': { u32: no }, 'split.count': { u32: count } }, name)
    const [packing, running, words] = await reasons(part(0, 2, 'a-00001-of-00002.gguf'))
    expect(packing).toBe(
      'a-00001-of-00002.gguf is part 1 of 2 of a split model (the others: a-00002-of-00002.gguf): join them with llama-gguf-split --merge',
    )
    expect([running, words]).toEqual([packing, packing])
    expect((await reasons(part(4, 9, 'b-00005-of-00009.gguf')))[0]).toMatch(
      /part 5 of 9 .*\(the others: b-00001-of-00009.gguf, b-00002-of-00009.gguf, b-00003-of-00009.gguf, 5 more\)/,
    )
    expect((await reasons(part(1, 2, 'renamed.gguf')))[0]).toMatch(
      /renamed.gguf is part 2 of 2 of a split model: join/,
    )
    expect((await reasons(part(0, 1, 'whole.gguf')))[0]).not.toMatch(/split/)
  })

  it('that is the first part still has its whole tokenizer', async () => {
    const parts = { 'split.no': { u32: 0 }, 'split.count': { u32: 2 } }
    const [packing, running, words] = await reasons(write({ ...tokenizer('gpt-2'), ...parts }))
    expect([packing, running]).toEqual([expect.stringMatching(/part 1 of 2/), packing])
    expect(words).toBe('opened')
  })
})
