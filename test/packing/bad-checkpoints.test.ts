// Checkpoints that are damaged, hostile or not what their config says: `pack` names the tensor, key or file at fault, exits
// with 2, and leaves neither OUT nor a half-written folder.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import { CONFIGS, familyTensors, type Config } from '../helpers/family-model.ts'
import { Places, withValue, type Edit } from '../helpers/refused-pack.ts'
import { buildSafetensors, writeFolder } from '../helpers/safetensors-builder.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const places = new Places()

const without =
  (name: string): Edit =>
  (tensors) =>
    tensors.filter((tensor) => tensor.name !== name)
const withShape =
  (name: string, shape: number[]): Edit =>
  (tensors) =>
    tensors.map((tensor) =>
      tensor.name !== name
        ? tensor
        : { name, shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
    )
const withExtra =
  (name: string): Edit =>
  (tensors) => [...tensors, { name, shape: [4], values: new Float32Array(4) }]

const { baichuan7b, baichuan13b, chatglm1, chatglm2, qwen1, gemma3, mistral } = CONFIGS
const W_PACK = 'model.layers.1.self_attn.W_pack.weight'
const QKV_1 = 'transformer.layers.0.attention.query_key_value'
const QKV_2 = 'transformer.encoder.layers.1.self_attention.query_key_value'
const C_ATTN = 'transformer.h.0.attn.c_attn'

describe('tensors of a folder', () => {
  it.each([
    [
      'a missing matrix',
      baichuan7b,
      without('model.layers.1.mlp.up_proj.weight'),
      /no tensor model\.layers\.1\.mlp\.up_proj\.weight/,
    ],
    [
      'a missing fused tensor',
      qwen1,
      without(`${C_ATTN}.weight`),
      /no tensor transformer\.h\.0\.attn\.c_attn\.weight/,
    ],
    [
      'a missing bias',
      chatglm2,
      without(`${QKV_2}.bias`),
      /no tensor .*layers\.1\.self_attention\.query_key_value\.bias/,
    ],
    ['a missing head', baichuan13b, without('lm_head.weight'), /no tensor lm_head\.weight/],
    [
      'a missing norm of heads',
      gemma3,
      without('model.layers.2.self_attn.k_norm.weight'),
      /no tensor .*layers\.2\.self_attn\.k_norm/,
    ],
    [
      'W_pack with a row less',
      baichuan7b,
      withShape(W_PACK, [107, 40]),
      /W_pack\.weight has shape 107 x 40, its config asks for 108 x 40/,
    ],
    ['W_pack of q alone', baichuan13b, withShape(W_PACK, [36, 40]), /W_pack\.weight has shape 36 x 40/],
    ['W_pack lying across', baichuan7b, withShape(W_PACK, [40, 108]), /W_pack\.weight has shape 40 x 108/],
    [
      'query_key_value of other heads',
      chatglm1,
      withShape(`${QKV_1}.weight`, [120, 60]),
      /query_key_value\.weight has shape 120 x 60, .* 180 x 60/,
    ],
    [
      'query_key_value without groups',
      chatglm2,
      withShape(`${QKV_2}.weight`, [144, 40]),
      /query_key_value\.weight has shape 144 x 40, .* 96 x 40/,
    ],
    [
      'a fused bias of another length',
      chatglm1,
      withShape(`${QKV_1}.bias`, [60]),
      /query_key_value\.bias has shape 60, .* 180/,
    ],
    [
      'c_attn of three dimensions',
      qwen1,
      withShape(`${C_ATTN}.weight`, [3, 36, 40]),
      /c_attn\.weight has shape 3 x 36 x 40/,
    ],
    [
      'a vector as a matrix',
      gemma3,
      withShape('model.norm.weight', [40, 1]),
      /model\.norm\.weight has shape 40 x 1/,
    ],
    ['a scalar', mistral, withShape('model.norm.weight', []), /model\.norm\.weight has shape/],
    [
      'an unknown tensor',
      mistral,
      withExtra('model.layers.0.self_attn.q_proj.bias'),
      /a tensor model\.layers\.0\.self_attn\.q_proj\.bias, which/,
    ],
    [
      'a layer too many',
      mistral,
      withExtra('model.layers.2.input_layernorm.weight'),
      /a tensor model\.layers\.2\.input_layernorm/,
    ],
    ['an adapter', qwen1, withExtra('base_model.lora_A.weight'), /a tensor base_model\.lora_A\.weight/],
  ] as [string, Config, Edit, RegExp][])('%s', async (_, config, edit, message) => {
    await places.expectRefused(places.checkpoint(config, edit), message)
  })
})

describe('a config that says something else than the tensors', () => {
  it.each([
    [
      'another width',
      { hidden_size: 48 },
      /embed_tokens\.weight has shape 90 x 40, its config asks for 90 x 48/,
    ],
    ['another vocabulary', { vocab_size: 91 }, /embed_tokens\.weight has shape 90 x 40, .* 91 x 40/],
    ['more layers', { num_hidden_layers: 3 }, /no tensor model\.layers\.2\./],
    ['fewer layers', { num_hidden_layers: 1 }, /a tensor model\.layers\.1\./],
    ['other heads', { num_attention_heads: 4 }, /q_proj\.weight has shape 36 x 40, .* 48 x 40/],
    ['heads that cannot be grouped', { num_key_value_heads: 2 }, /3 heads cannot share 2 KV heads/],
    ['other groups', { num_key_value_heads: 3 }, /k_proj\.weight has shape 12 x 40, .* 36 x 40/],
    ['heads of odd size', { head_dim: 13 }, /13 values have no rotary pairs/],
    ['no size of heads, and none that divides', { head_dim: undefined }, /head_dim is 13\.3/],
    ['another inner width', { intermediate_size: 64 }, /gate_proj\.weight has shape 56 x 40, .* 64 x 40/],
    ['a tied head that is not', { tie_word_embeddings: 'no' }, /tie_word_embeddings is "no"/],
    ['another family', { model_type: 'qwen3' }, /no tensor .*q_norm/],
    ['an unknown family', { model_type: 'mamba' }, /model_type is mamba; these are supported: llama/],
    ['no family', { model_type: undefined }, /model_type is missing/],
    ['a family that is a list', { model_type: ['llama'] }, /model_type is \["llama"\]/],
  ] as [string, Config, RegExp][])('%s', async (_, changes, message) => {
    await places.expectRefused(places.checkpoint(mistral, undefined, { ...mistral, ...changes }), message)
  })

  it.each(['', '[]', '"llama"', 'null', '{"model_type": "llama"', '\xff'])(
    'config.json of %j',
    async (text) => {
      const folder = places.checkpoint(mistral)
      writeFileSync(join(folder, 'config.json'), text)
      await places.expectRefused(folder, /config\.json is (not JSON|no JSON object)/)
    },
  )
})

describe('an index', () => {
  const split = (map: (names: string[]) => unknown): string => {
    const tensors = familyTensors(mistral)
    const folder = writeFolder(places.next(), mistral, [tensors.slice(0, 5), tensors.slice(5)])
    const names = tensors.map(({ name }) => name)
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(map(names)))
    return folder
  }
  const SHARDS = ['model-1-of-2.safetensors', 'model-2-of-2.safetensors']
  it.each([
    [
      'a missing shard',
      () => ({ weight_map: { a: SHARDS[0], b: 'model-3-of-3.safetensors' } }),
      /model-3-of-3\.safetensors cannot be opened/,
    ],
    ['half of the shards', () => ({ weight_map: { a: SHARDS[0] } }), /no tensor model\./],
    [
      'a path outside',
      () => ({ weight_map: { a: '../secret.safetensors' } }),
      /names files that are no safetensors/,
    ],
    [
      'an absolute path',
      () => ({ weight_map: { a: '/etc/x.safetensors' } }),
      /names files that are no safetensors/,
    ],
    ['pickles', () => ({ weight_map: { a: 'pytorch_model.bin' } }), /names files that are no safetensors/],
    ['numbers', () => ({ weight_map: { a: 1, b: {} } }), /names files that are no safetensors/],
    ['nothing', () => ({ weight_map: {} }), /index\.json names 0 files/],
    ['no map', () => ({}), /index\.json names 0 files/],
    ['a list', () => [], /index\.json is no JSON object/],
    [
      'files without end',
      () => ({ weight_map: Array.from({ length: 2000 }, (_, i) => `${i}.safetensors`) }),
      /names 2000 files/,
    ],
  ] as [string, () => unknown, RegExp][])('of %s', async (_, map, message) => {
    await places.expectRefused(split(map), message)
  })
  it('of shards that both have a tensor', async () => {
    const folder = split(() => ({ weight_map: { a: SHARDS[0], b: SHARDS[1] } }))
    writeFileSync(join(folder, SHARDS[1]), buildSafetensors(familyTensors(mistral)))
    await places.expectRefused(folder, /model-2-of-2\.safetensors has a second tensor model\./)
  })
})

describe('weights that are no numbers', () => {
  const LARGE: Config = { ...mistral, vocab_size: 9000 }
  const spoilt = (config: Config, name: string, at: number, value: number): string =>
    places.checkpoint(config, withValue(name, at, value))
  it.each(['keep', 'q8', 'q4', 'f32'] as const)(
    '--quant %s, in the middle of a large tensor',
    async (quant) => {
      const folder = spoilt(LARGE, 'model.embed_tokens.weight', 7000 * 40 + 3, NaN)
      await places.expectRefused(folder, /tensor model\.embed_tokens\.weight, from row 6544: .*not finite/, {
        quant,
      })
    },
  )
  it.each([
    [
      'infinity in a fused tensor',
      baichuan7b,
      W_PACK,
      80 * 40,
      Infinity,
      /tensor .*W_pack\.weight, from row 0: .*not finite/,
    ],
    [
      'a fused bias',
      chatglm1,
      `${QKV_1}.bias`,
      179,
      -Infinity,
      /tensor .*query_key_value\.bias, from row 0: .*not finite/,
    ],
    [
      'a norm',
      gemma3,
      'model.layers.1.input_layernorm.weight',
      39,
      NaN,
      /tensor model\.layers\.1\.input_layernorm\.weight/,
    ],
    [
      'a head that is normalised',
      baichuan13b,
      'lm_head.weight',
      89 * 40,
      NaN,
      /tensor lm_head\.weight, from row/,
    ],
  ] as [string, Config, string, number, number, RegExp][])(
    '%s',
    async (_, config, name, at, value, message) => {
      await places.expectRefused(spoilt(config, name, at, value), message)
    },
  )
})

describe('pickles', () => {
  it.each(['pytorch_model.bin', 'pytorch_model-00001-of-00002.bin', 'consolidated.00.pth', 'model.ckpt'])(
    '%s is refused by name, in a folder and alone',
    async (name) => {
      const folder = places.folder()
      writeFileSync(join(folder, 'config.json'), JSON.stringify(mistral))
      writeFileSync(join(folder, name), 'PK')
      await places.expectRefused(folder, new RegExp(`${name} is a Python pickle`))
      await places.expectRefused(join(folder, name), new RegExp(`${name} is a Python pickle`))
    },
  )
})

describe('packing', () => {
  const bad = (): string => places.checkpoint(baichuan7b, withValue(W_PACK, 11, NaN))

  it('as a command exits with 2 and names the tensor on one line', () => {
    const parent = places.folder()
    const args = [MAIN, 'pack', bad(), join(parent, 'out')]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^islet: tensor .*W_pack\.weight, from row 0: .*not finite$/,
    )
    expect(readdirSync(parent)).toEqual([])
  })

  it('leaves an OUT that was there as it was', async () => {
    const parent = places.folder()
    const out = join(parent, 'out')
    const pack = async (input: string): Promise<void> => {
      const source = await openSource(input)
      await packToFolder(source, out).finally(() => source.close())
    }
    await pack(places.checkpoint(baichuan7b))
    const files = (): Buffer[] => readdirSync(out).map((name) => readFileSync(join(out, name)))
    const before = files()
    expect(before).toHaveLength(3)
    await expect(pack(bad())).rejects.toThrow(/not finite/)
    expect(files()).toEqual(before)
    expect(readdirSync(parent)).toEqual(['out'])
  })
})
