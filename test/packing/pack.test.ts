// Whole checkpoints: GGUF and Hugging Face folders to a packed folder and to memory.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checksum } from '../../src/lib/checksum.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import { packToMemory } from '../../src/packing/pack-memory.ts'
import { shardCutter } from '../../src/packing/shards.ts'
import { defaultId } from '../../src/packing/source.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { SHARD_BYTES } from '../../src/weights/plan.ts'
import { llamaMetadata, llamaTensors, TINY, type TinySizes, writeGguf } from '../helpers/gguf-builder.ts'
import { readTiles } from '../helpers/read-tiles.ts'
import { type FloatTensor, writeFolder } from '../helpers/safetensors-builder.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'islet-pack-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Bytes that are valid blocks of any type: small numbers everywhere, f16 constants never special. */
function filler(seed: number): (bytes: number, type: string) => Uint8Array {
  let state = seed
  return (bytes, type) => {
    const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
    if (type === 'F32')
      return new Uint8Array(Float32Array.from({ length: bytes / 4 }, () => next() - 0.5).buffer)
    return Uint8Array.from({ length: bytes }, () => Math.floor(next() * 0x30))
  }
}

function configOf(sizes: TinySizes): Record<string, unknown> {
  return {
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: sizes.hidden,
    intermediate_size: sizes.ffn,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    head_dim: sizes.headDim,
    vocab_size: sizes.vocab,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-5,
    rope_theta: 100000,
    tie_word_embeddings: true,
  }
}

/** The same model under Hugging Face's names, rotary pairs in halves. */
function asHuggingFace(sizes: TinySizes, fill: (bytes: number, type: string) => Uint8Array): FloatTensor[] {
  const names: [RegExp, string][] = [
    [/^token_embd/, 'model.embed_tokens'],
    [/^output_norm/, 'model.norm'],
    [/^blk\./, 'model.layers.'],
    [/attn_norm/, 'input_layernorm'],
    [/ffn_norm/, 'post_attention_layernorm'],
    [/attn_output/, 'self_attn.o_proj'],
    [/attn_([qkv])/, 'self_attn.$1_proj'],
    [/ffn_(gate|up|down)/, 'mlp.$1_proj'],
  ]
  return llamaTensors(sizes, 'F32', fill).map(({ name, shape, bytes }) => {
    const values = new Float32Array(bytes.slice().buffer)
    return {
      name: names.reduce((text, [from, to]) => text.replace(from, to), name),
      shape,
      values: /attn_[qk]/.test(name) ? halves(values, shape[1], sizes.headDim) : values,
    }
  })
}

/** Row i of a head was stored at 2i, row i + half at 2i + 1. */
function halves(values: Float32Array, cols: number, headDim: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let row = 0; row < values.length / cols; row++) {
    const [head, i] = [Math.floor(row / headDim), row % headDim]
    const stored = head * headDim + (i < headDim / 2 ? 2 * i : 2 * (i - headDim / 2) + 1)
    out.set(values.subarray(stored * cols, (stored + 1) * cols), row * cols)
  }
  return out
}

async function weightsOf(pack: Awaited<ReturnType<typeof packToMemory>>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (const { file } of pack.manifest.shards) {
    for await (const piece of (await pack.weights.open(file)) as unknown as AsyncIterable<Uint8Array>)
      parts.push(piece)
  }
  return new Uint8Array(Buffer.concat(parts))
}

function floatsOf(manifest: Manifest, weights: Uint8Array, name: string): Float32Array {
  const entry = manifest.tensors.find((tensor) => tensor.name === name)
  if (entry === undefined) throw new Error(name)
  return readTiles(weights.slice(entry.offset, entry.offset + entry.length), entry)
}

describe('one model in two formats', () => {
  // Heads of 12 rows straddle row groups of 8.
  const sizes: TinySizes = { ...TINY, headDim: 12, vocab: 50 }
  for (const quant of ['keep', 'q8', 'q4'] as const) {
    it(`packs to the same bytes with --quant ${quant}`, async () => {
      const gguf = writeGguf(join(folder, `same-${quant}.gguf`), {
        metadata: llamaMetadata(sizes),
        tensors: llamaTensors(sizes, 'F32', filler(1)),
      })
      const hf = writeFolder(join(folder, `same-${quant}`), configOf(sizes), [
        asHuggingFace(sizes, filler(1)),
      ])
      const [a, b] = [await packToMemory(gguf, { quant }), await packToMemory(hf, { quant })]
      expect(a.manifest.shards).toEqual(b.manifest.shards)
      expect(a.manifest.spec).toEqual(b.manifest.spec)
      expect(a.manifest.spec).toMatchObject({ headDim: 12, norm: { eps: 1e-5 }, head: { tied: true } })
      expect(a.manifest.float).toBe(quant === 'keep')
      const q = floatsOf(a.manifest, await weightsOf(a), 'layers.1.q')
      const wanted = asHuggingFace(sizes, filler(1)).find(
        ({ name }) => name === 'model.layers.1.self_attn.q_proj.weight',
      )
      // Values span 1. A level is 1 / 15 wide, and a searched block may clip its extremes by most of one.
      const tolerance = { keep: 0, q8: 0.5 / 254, q4: 1 / 15 }[quant]
      for (const [i, value] of (wanted?.values ?? []).entries())
        expect(Math.abs(q[i] - value)).toBeLessThanOrEqual(tolerance)
    })
  }

  it('reads a checkpoint in several files', async () => {
    const tensors = asHuggingFace(sizes, filler(1))
    const whole = writeFolder(join(folder, 'whole'), configOf(sizes), [tensors])
    const split = writeFolder(join(folder, 'split'), configOf(sizes), [
      tensors.slice(0, 5),
      tensors.slice(5, 9),
      tensors.slice(9),
    ])
    expect((await packToMemory(split)).manifest.shards).toEqual((await packToMemory(whole)).manifest.shards)
  })
})

describe('quantised GGUF', () => {
  for (const [type, kind] of [
    ['Q4_0', 'q4'],
    ['Q4_1', 'q4n'],
    ['Q8_0', 'q8'],
    ['Q5_1', 'q8'],
  ] as const) {
    it(`${type} is stored as ${kind}, at aligned offsets in packing order`, async () => {
      const path = writeGguf(join(folder, `${type}.gguf`), {
        metadata: llamaMetadata(TINY),
        tensors: llamaTensors(TINY, type, filler(2)),
      })
      const { manifest } = await packToMemory(path)
      expect(manifest.float).toBe(false)
      expect(manifest.tensors.map(({ name }) => name).slice(0, 11)).toEqual([
        'embedding',
        ...['attn_norm', 'q', 'k', 'v', 'o', 'mlp_norm', 'gate', 'up', 'down'].map(
          (role) => `layers.0.${role}`,
        ),
        'layers.1.attn_norm',
      ])
      expect(manifest.tensors.at(-1)?.name).toBe('final_norm')
      let end = 0
      for (const tensor of manifest.tensors) {
        expect(tensor.kind).toBe(tensor.rows === 1 ? 'f32' : kind)
        expect(tensor.offset % 64).toBe(0)
        expect(tensor.offset).toBeGreaterThanOrEqual(end)
        end = tensor.offset + tensor.length
      }
      expect(manifest.shards).toHaveLength(1)
      expect(manifest.shards[0].length).toBe(end)
    })
  }
})

describe('a packed folder', () => {
  it('holds what the manifest says, and equals the pack in memory', async () => {
    const path = writeGguf(join(folder, 'Tiny-Model.Q4_1.gguf'), {
      metadata: llamaMetadata(TINY),
      tensors: llamaTensors(TINY, 'Q4_1', filler(3)),
    })
    const source = await openSource(path)
    const out = join(folder, 'out')
    const manifest = await packToFolder(source, out)
    expect(manifest.id).toBe('tiny-model')
    expect(readdirSync(out).toSorted()).toEqual(['manifest.json', 'tokenizer.bin', 'weights-000.bin'])
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toEqual(manifest)
    for (const { file, length, sha256: wanted } of [...manifest.shards, manifest.tokenizer]) {
      const bytes = readFileSync(join(out, file))
      const hash = sha256()
      hash.update(bytes)
      expect([bytes.length, hash.hex()]).toEqual([length, wanted])
    }
    expect(manifest.shards.map((shard) => shard.checksum)).toEqual([
      checksumOf(readFileSync(join(out, 'weights-000.bin'))),
    ])
    expect(manifest.tokenizer.length).toBe(0)
    expect((await packToMemory(path)).manifest).toEqual(manifest)

    // Again over itself, with another id; the weights' hash stays.
    const again = await packToFolder(source, out, { id: 'Other' })
    expect([again.id, again.hash]).toEqual(['other', manifest.hash])
    await expect(packToFolder(source, out, { id: '../x' })).rejects.toMatchObject({
      code: 'invalid_request',
      param: '--id',
    })
    await source.close()
  })

  it('never replaces anything else, and leaves nothing behind when it fails', async () => {
    const path = writeGguf(join(folder, 'guard.gguf'), {
      metadata: llamaMetadata(TINY),
      tensors: llamaTensors(TINY, 'F32', filler(4)),
    })
    const source = await openSource(path)
    const home = join(folder, 'home')
    mkdirSync(home)
    writeFileSync(join(home, 'manifest.json'), '{}')
    writeFileSync(join(home, 'letters.txt'), 'dear')
    await expect(packToFolder(source, home)).rejects.toMatchObject({ code: 'invalid_request', param: 'OUT' })
    expect(readFileSync(join(home, 'letters.txt'), 'utf8')).toBe('dear')
    await source.close()

    const tensors = llamaTensors(TINY, 'F32', filler(4))
    new DataView(tensors[3].bytes.buffer).setFloat32(0, NaN, true)
    const bad = await openSource(
      writeGguf(join(folder, 'nan.gguf'), { metadata: llamaMetadata(TINY), tensors }),
    )
    await expect(packToFolder(bad, join(folder, 'never'))).rejects.toThrow(
      /tensor blk\.0\.attn_k\.weight, from row 0: .*not finite/,
    )
    await bad.close()
    expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([])
  })
})

describe('refusals', () => {
  const tensors = (): ReturnType<typeof llamaTensors> => llamaTensors(TINY, 'F32', filler(5))
  const open = (name: string, parts: Parameters<typeof writeGguf>[1]): Promise<unknown> =>
    openSource(writeGguf(join(folder, name), parts))

  it('names a missing, a misshapen and an unused tensor', async () => {
    const metadata = llamaMetadata(TINY)
    const missing = tensors().filter(({ name }) => name !== 'blk.1.ffn_up.weight')
    await expect(open('missing.gguf', { metadata, tensors: missing })).rejects.toThrow(
      /no tensor blk\.1\.ffn_up\.weight/,
    )
    const shaped = llamaTensors({ ...TINY, ffn: 64 }, 'F32', filler(5))
    await expect(open('shape.gguf', { metadata, tensors: shaped })).rejects.toThrow(
      /ffn_gate\.weight has shape 64 x 64, .* 96 x 64/,
    )
    const extra = [
      ...tensors(),
      { name: 'rope_freqs.weight', type: 'F32' as const, shape: [16], bytes: new Uint8Array(64) },
    ]
    await expect(open('extra.gguf', { metadata, tensors: extra })).rejects.toMatchObject({
      code: 'unsupported_format',
    })
  })

  it('refuses pickles, other architectures and folders without weights', async () => {
    const pickled = join(folder, 'pickled')
    mkdirSync(pickled)
    writeFileSync(join(pickled, 'config.json'), '{"model_type": "llama"}')
    await expect(openSource(pickled)).rejects.toThrow(/no model\.safetensors/)
    writeFileSync(join(pickled, 'pytorch_model.bin'), 'x')
    await expect(openSource(pickled)).rejects.toThrow(/pytorch_model\.bin is a Python pickle/)
    const metadata = { ...llamaMetadata(TINY), 'general.architecture': { string: 'mamba' } }
    await expect(open('mamba.gguf', { metadata, tensors: tensors() })).rejects.toThrow(
      /general\.architecture is mamba/,
    )
    await expect(openSource(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'model_not_found' })
  })

  it('refuses an index that points outside its folder', async () => {
    const out = writeFolder(join(folder, 'escape'), configOf(TINY), [[], []])
    writeFileSync(
      join(out, 'model.safetensors.index.json'),
      '{"weight_map": {"a": "../whole/model.safetensors"}}',
    )
    await expect(openSource(out)).rejects.toMatchObject({ code: 'invalid_file' })
  })
})

function checksumOf(bytes: Uint8Array): string {
  const sum = checksum()
  sum.update(bytes)
  return sum.hex()
}

it('cuts the stream at 24 MiB, across pieces', async () => {
  const sizes = new Map<string, number>()
  const cutter = shardCutter((file, piece) => void sizes.set(file, (sizes.get(file) ?? 0) + piece.length))
  const piece = new Uint8Array(SHARD_BYTES / 2 + 1000)
  for (let i = 0; i < 4; i++) await cutter.sink(piece)
  const shards = cutter.finish()
  expect(shards.map(({ file, length }) => [file, length])).toEqual([
    ['weights-000.bin', SHARD_BYTES],
    ['weights-001.bin', SHARD_BYTES],
    ['weights-002.bin', 4000],
  ])
  expect([...sizes.values()]).toEqual(shards.map(({ length }) => length))
  const hash = sha256()
  hash.update(new Uint8Array(SHARD_BYTES))
  expect(shards[0].sha256).toBe(hash.hex())
  expect(shards[0].checksum).toBe(checksumOf(new Uint8Array(SHARD_BYTES)))
})

it('names a model after its file, without what only says how it was quantised', () => {
  expect(defaultId('/x/SmolLM2-135M-Instruct.Q4_1.gguf')).toBe('smollm2-135m-instruct')
  expect(defaultId('Llama-2-7B.Q4_K_M.gguf')).toBe('llama-2-7b')
  expect(defaultId('/m/My Model-f16.gguf')).toBe('my-model')
  expect(defaultId('/golden/llama2/model-q8_0.gguf')).toBe('llama2')
  expect(defaultId('/models/TinyLlama-1.1B/')).toBe('tinyllama-1.1b')
})
