// Weight files whose headers lie or that end too early: every refusal names the tensor or the file, and packing leaves nothing.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { CONFIGS, familyTensors, type Config } from '../helpers/family-model.ts'
import { llamaMetadata, llamaTensors, TINY, writeGguf, type GgufParts } from '../helpers/gguf-builder.ts'
import { Places } from '../helpers/refused-pack.ts'
import { buildSafetensors } from '../helpers/safetensors-builder.ts'

const places = new Places()
const { mistral } = CONFIGS

describe('a safetensors header', () => {
  const EMBEDDING = 'model.embed_tokens.weight'
  const header = (edit: (entry: Record<string, unknown>, all: Record<string, unknown>) => void): string => {
    const folder = places.checkpoint(mistral)
    const bytes = buildSafetensors(familyTensors(mistral), (all) =>
      edit(all[EMBEDDING] as Record<string, unknown>, all),
    )
    writeFileSync(join(folder, 'model.safetensors'), bytes)
    return folder
  }
  it.each(['I8', 'I64', 'F64', 'BOOL', 'F8_E4M3', undefined])('elements of type %s', async (dtype) => {
    const folder = header((entry) => (entry.dtype = dtype))
    await places.expectRefused(
      folder,
      new RegExp(`tensor model\\.embed_tokens\\.weight has the element type ${String(dtype)}`),
    )
  })
  it.each([
    [
      'offsets past the file',
      (entry) => (entry.data_offsets = [1e9, 1e9 + 14400]),
      /embed_tokens\.weight ends at byte/,
    ],
    [
      'offsets in reverse',
      (entry) => (entry.data_offsets = [14400, 0]),
      /embed_tokens\.weight .* takes 14400 bytes, the header says -14400/,
    ],
    [
      'negative offsets',
      (entry) => (entry.data_offsets = [-14400, 0]),
      /embed_tokens\.weight has no valid data_offsets/,
    ],
    [
      'offsets of text',
      (entry) => (entry.data_offsets = ['0', '14400']),
      /embed_tokens\.weight has no valid data_offsets/,
    ],
    [
      'a length of another shape',
      (entry) => (entry.shape = [90, 41]),
      /shape 90 x 41 takes 14760 bytes, the header says 14400/,
    ],
    [
      'a shape past exact integers',
      (entry) => (entry.shape = [2 ** 53, 2 ** 53]),
      /embed_tokens\.weight has no valid shape/,
    ],
    ['a huge shape', (entry) => (entry.shape = [2 ** 40, 2 ** 40]), /embed_tokens\.weight of shape .* takes/],
    ['a shape of text', (entry) => (entry.shape = '90x40'), /embed_tokens\.weight has no valid shape/],
    [
      'a tensor over another',
      (_, all) => ((all['model.norm.weight'] as Config).data_offsets = [160, 320]),
      /tensors .* overlap/,
    ],
    [
      'no description',
      (_, all) => (all['model.norm.weight'] = null),
      /model\.norm\.weight has no description/,
    ],
  ] as [string, Parameters<typeof header>[0], RegExp][])('%s', async (_, edit, message) => {
    await places.expectRefused(header(edit), message)
  })

  it.each([
    ['nothing', (_: Buffer) => Buffer.alloc(0), /model\.safetensors has 0 bytes/],
    ['half a length', (file: Buffer) => file.subarray(0, 5), /model\.safetensors has 5 bytes/],
    [
      'half a header',
      (file: Buffer) => file.subarray(0, 100),
      /model\.safetensors: .* a header of \d+ bytes in a file of 100/,
    ],
    ['a byte less', (file: Buffer) => file.subarray(0, -1), /model\.safetensors: .*tensor \S+ ends at byte/],
    [
      'a header as long as memory',
      (file: Buffer) => Buffer.concat([Buffer.from('ffffffffffffff7f', 'hex'), file]),
      /a header of 9223372036854776000 bytes/,
    ],
    ['no JSON', (file: Buffer) => Buffer.from(file).fill('x', 8, 9), /the header is not JSON/],
  ] as [string, (file: Buffer) => Buffer, RegExp][])('a file of %s', async (_, spoil, message) => {
    const path = join(places.checkpoint(mistral), 'model.safetensors')
    writeFileSync(path, spoil(readFileSync(path)))
    await places.expectRefused(path, message)
  })
})

describe('a GGUF file', () => {
  const tensors = (): GgufParts['tensors'] =>
    llamaTensors(TINY, 'Q8_0', (bytes, type) =>
      type === 'F32'
        ? new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer)
        : new Uint8Array(bytes).fill(3),
    )
  const file = (edit: (parts: GgufParts) => void): string => {
    const parts: GgufParts = { metadata: llamaMetadata(TINY), tensors: tensors() }
    edit(parts)
    return writeGguf(join(places.folder(), 'bad.gguf'), parts)
  }
  const claim = (index: number, claims: GgufParts['tensors'][0]['claims']) => (parts: GgufParts) =>
    void (parts.tensors[index].claims = claims)
  it.each([
    ['another magic', (parts) => (parts.claims = { magic: 'GGML' }), /cannot be read as GGUF/],
    ['a version to come', (parts) => (parts.claims = { version: 99 }), /cannot be read as GGUF/],
    ['tensors without end', (parts) => (parts.claims = { tensorCount: 2n ** 62n }), /cannot be read as GGUF/],
    ['keys without end', (parts) => (parts.claims = { keyCount: 2n ** 62n }), /cannot be read as GGUF/],
    [
      'a tensor less than it says',
      (parts) => (parts.claims = { tensorCount: 21n }),
      /cannot be read as GGUF|damaged GGUF|no tensor/,
    ],
    ['its end cut off', (parts) => (parts.cut = 100), /tensor output_norm\.weight ends at byte/],
    ['its middle cut off', (parts) => (parts.cut = 60_000), /tensor \S+ ends at byte|cut off|cannot be read/],
    ['a tensor outside', claim(3, { offset: 2n ** 40n }), /tensor blk\.0\.attn_k\.weight lies outside/],
    ['a tensor over another', claim(3, { offset: 0n }), /tensors .* overlap/],
    ['a tensor between', claim(3, { offset: 17n }), /tensor blk\.0\.attn_k\.weight starts at 17/],
    ['a huge shape', claim(3, { dims: [2n ** 60n, 2n ** 60n] }), /attn_k\.weight.*exceeds/],
    [
      'a tensor of an unknown type',
      claim(3, { type: 99 }),
      /tensor blk\.0\.attn_k\.weight has type number 99/,
    ],
    ['integers', claim(1, { type: 26 }), /tensor blk\.0\.attn_norm\.weight has type number 26/],
    [
      'another architecture',
      (parts) => (parts.metadata['general.architecture'] = { string: 'rwkv' }),
      /general\.architecture is rwkv/,
    ],
    [
      'no architecture',
      (parts) => delete parts.metadata['general.architecture'],
      /general\.architecture is missing/,
    ],
    ['no embedding', (parts) => parts.tensors.shift(), /no tensor token_embd\.weight/],
    [
      'heads of text',
      (parts) => (parts.metadata['llama.attention.head_count'] = { string: '2' }),
      /head_count is "2"/,
    ],
    [
      'heads by layer',
      (parts) => (parts.metadata['llama.attention.head_count_kv'] = { u64s: [1n, 1n] }),
      /head_count_kv is/,
    ],
    [
      'a vocabulary of its own',
      (parts) => (parts.metadata['llama.vocab_size'] = { u32: 73 }),
      /token_embd\.weight has shape 72 x 64, .* 73 x 64/,
    ],
    [
      'a scale that is no number',
      (parts) => parts.tensors[8].bytes.set([0, 0x7e], 34 * 50),
      /tensor blk\.0\.ffn_up\.weight, from row 0: /,
    ],
  ] as [string, (parts: GgufParts) => unknown, RegExp][])('with %s', async (_, edit, message) => {
    await places.expectRefused(
      file((parts) => void edit(parts)),
      message,
    )
  })
  it('of a few bytes', async () => {
    const path = file((parts) => void (parts.cut = 0))
    for (const length of [0, 3, 23, 24, 40]) {
      writeFileSync(path, readFileSync(path).subarray(0, length))
      await places.expectRefused(path, /no GGUF file|cannot be read as GGUF/)
    }
  })
})
