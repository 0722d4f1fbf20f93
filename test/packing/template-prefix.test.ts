// A model whose template has a default system prompt: its prefix is packed, the same bytes each time, and tells nothing but the time.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command as inspect } from '../../cli/inspect.ts'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { openModel } from '../../cli/lib/model.ts'
import { packPrefix } from '../../cli/lib/pack-prefix.ts'
import { promptIds } from '../../src/chat/prompt-ids.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { computePages, loadPrefix } from '../../src/graph/prefix-pages.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import { makePrefix, sharedIds } from '../../src/packing/template-prefix.ts'
import type { LoadedModel } from '../../src/lane/isolate.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { ask, eventsOf, mockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const FULL = { window: undefined, sinks: 0 }
const SYSTEM = 'Answer in the words of the King James Bible, and be very brief.'
const TEMPLATE = [
  "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\n",
  SYSTEM,
  "<|im_end|>\\n' }}{% endif %}",
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
].join('')
const FLOATS = new URL('../fixtures/float-model', import.meta.url).pathname

/** Of prefix.bin as packed here. If the engine gives other bits or pages lie otherwise: raise PREFIX_VERSION and PACKER, then this. */
const PAGES_SHA256 = '3b8b954867c00067bd6d358c46a70531ecfb7c4e81df6c2d9a7918ad42e36a88'

let scratch = ''
let out = ''
let manifest: Manifest
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'islet-prefix-'))
  out = join(scratch, 'packed')
  manifest = await pack(out)
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

async function pack(into: string): Promise<Manifest> {
  const source = await openSource(FLOATS)
  try {
    const chat = { kind: 'jinja', template: TEMPLATE } as const
    return await packToFolder({ ...source, chat }, into, { quant: 'q4', makePrefix: packPrefix })
  } finally {
    await source.close()
  }
}

const tokenizerOf = (folder: string): Uint8Array =>
  new Uint8Array(readFileSync(join(folder, 'tokenizer.bin')))

function prefixOf({ prefix }: Manifest): NonNullable<Manifest['prefix']> {
  if (prefix === undefined) throw new Error('there is no prefix')
  return prefix
}

function hexOf(bytes: Uint8Array): string {
  const hash = sha256()
  hash.update(bytes)
  return hash.hex()
}

describe('packing', () => {
  it('writes the pages of what all chats begin with', async () => {
    const prefix = prefixOf(manifest)
    const tokenizer = readTokenizer(tokenizerOf(out))
    const text = tokenizer.decode(prefix.ids)
    expect(text).toContain(SYSTEM)
    expect(text).toMatch(/user\n$/)
    const ids = promptIds(tokenizer, manifest.chat, [{ role: 'user', content: 'Who was Moses?' }])
    expect(ids.slice(0, prefix.ids.length)).toEqual(prefix.ids)
    expect(prefix.ids.length % 16, 'the last page is a partial one').toBeGreaterThan(0)

    const bytes = readFileSync(join(out, 'prefix.bin'))
    expect(bytes.length).toBe(prefix.length)
    expect(prefix.length).toBe(Math.ceil(prefix.ids.length / 16) * prefix.pageBytes)
    expect([hexOf(bytes), prefix.sha256]).toEqual([PAGES_SHA256, PAGES_SHA256])
    expect((await openModel(out, {})).manifest).toEqual(manifest)
  })

  it('writes the same bytes again, over itself and in another place', async () => {
    const bytes = readFileSync(join(out, 'prefix.bin'))
    const elsewhere = join(scratch, 'elsewhere')
    for (const into of [out, elsewhere]) {
      expect(await pack(into)).toMatchObject({ prefix: manifest.prefix, hash: manifest.hash })
      expect(readFileSync(join(into, 'prefix.bin')).equals(bytes)).toBe(true)
    }
    expect(readdirSync(elsewhere)).toContain('prefix.bin')
  })

  it.each(['plain', 'relaxed', 'quads'] as const)(
    'chunks and the %s build make no difference',
    async (build) => {
      const { ids } = prefixOf(manifest)
      for (const chunk of [4, 16, 64]) {
        const model = await loadModel(manifest, fileSource(out), {
          window: FULL,
          chunk,
          kernels: nodeKernels(build),
        })
        expect(hexOf(new Uint8Array(Buffer.concat(computePages(model, ids))))).toBe(PAGES_SHA256)
      }
    },
  )

  it('gives none where chats share less than a page, or keys depend on more', async () => {
    const never = (): never => {
      throw new Error('kernels were asked for')
    }
    const made = (changes: Partial<Manifest>, tokenizer = tokenizerOf(out)): ReturnType<typeof makePrefix> =>
      makePrefix({ ...manifest, ...changes }, fileSource(out), tokenizer, never)
    const { spec } = manifest
    const template = TEMPLATE.replace(SYSTEM, '')
    expect(sharedIds(readTokenizer(tokenizerOf(out)), { kind: 'jinja', template }).length).toBeLessThan(16)
    expect(await made({ chat: { kind: 'jinja', template } })).toBeUndefined()
    expect(await made({ chat: { kind: 'jinja', template: "{{ raise_exception('no') }}" } })).toBeUndefined()
    expect(await made({ chat: { kind: 'none' } })).toBeUndefined()
    expect(await made({}, new Uint8Array(0))).toBeUndefined()
    expect(await made({ spec: { ...spec, prefix: { start: 1, gmask: 2, mask: 3 } } })).toBeUndefined()
    const [kind] = spec.attention.kinds
    const kinds = [{ ...kind, window: 15 }]
    expect(await made({ spec: { ...spec, attention: { ...spec.attention, kinds } } })).toBeUndefined()
    const ntk = { kind: 'rope', base: 10000, rotaryDim: 32, scaling: { kind: 'ntk', trained: 16 } } as const
    const dynamic = { ...spec, attention: { ...spec.attention, kinds: [{ position: ntk }] } }
    expect(await made({ spec: dynamic })).toBeUndefined()
    await expect(made({})).rejects.toThrow('kernels were asked for')
  })

  it('is a line of inspect', async () => {
    let text = ''
    await inspect.run([out], (part) => void (text += part))
    const { ids, length } = prefixOf(manifest)
    expect(text).toContain(`prefix: the first ${ids.length} positions of a chat`)
    expect(text).toContain(`${length} bytes, KV q8`)
  })
})

describe('a lane with a packed prefix', () => {
  const messages = [{ role: 'user', content: 'Tell me about Moses.' }]
  const body = request({
    model: 'float-model',
    prompt: { kind: 'chat', messages },
    maxTokens: 8,
    ignoreEos: true,
    hashLogits: true,
  })

  function laneOf(folder: string, prefix: boolean) {
    const positions: number[] = []
    const source = fileSource(folder)
    const { lane, logged } = mockLane({
      parts: {
        readText: () => Promise.resolve({ manifest, tokenizer: readTokenizer(tokenizerOf(folder)) }),
        readModel: async (text, window) => {
          const options = { window, chunk: 16, logitRows: 4, kernels: nodeKernels() }
          return watched(await loadModel(text.manifest, source, options), positions)
        },
        ...(prefix && { readPrefix: (text, model) => loadPrefix(text.manifest, source, model) }),
      },
    })
    return { lane, logged, positions }
  }

  /** Notes the position of every row that is run. */
  function watched(model: LoadedModel, positions: number[]): LoadedModel {
    const run = model.run.bind(model)
    model.run = (rows) => {
      positions.push(...rows.map(({ position }) => position))
      return run(rows)
    }
    return model
  }

  it('gives the logits of one without, bit for bit, and runs nothing of the prefix', async () => {
    const [warm, cold] = [laneOf(out, true), laneOf(out, false)]
    const { length } = prefixOf(manifest).ids
    for (const tenant of ['a', 'b']) {
      const [a, b] = [await ask(warm.lane, { ...body, tenant }), await ask(cold.lane, { ...body, tenant })]
      expect(eventsOf(a, 'start')[0].cachedTokens).toBe(length)
      expect(eventsOf(b, 'start')[0].cachedTokens).toBe(0)
      const [{ logitsHash }] = eventsOf(a, 'finish')
      expect(logitsHash).toMatch(/^[0-9a-f]{64}$/)
      expect(logitsHash).toBe(eventsOf(b, 'finish')[0].logitsHash)
      expect(eventsOf(a, 'text')).toEqual(eventsOf(b, 'text'))
    }
    expect(Math.min(...warm.positions)).toBe(length)
    expect(Math.min(...cold.positions)).toBe(0)
    expect(warm.logged).toEqual([])
  })

  it('computes it where the file is damaged or missing, and says so once', async () => {
    const broken = join(scratch, 'broken')
    await pack(broken)
    const file = join(broken, 'prefix.bin')
    const bytes = readFileSync(file)
    bytes[7] ^= 1
    const damages: [() => void, string][] = [
      [() => writeFileSync(file, bytes), 'checksum_mismatch'],
      [() => rmSync(file), 'model_not_found'],
    ]
    for (const [damage, code] of damages) {
      damage()
      const { lane, logged } = laneOf(broken, true)
      const events = await ask(lane, body)
      expect(eventsOf(events, 'start')[0].cachedTokens).toBe(0)
      expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length' })
      expect(logged).toMatchObject([{ code, message: expect.stringContaining('prefix') as string }])
    }
  })
})
