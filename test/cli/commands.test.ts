// The command line: pack and inspect on files, exit codes, help, and standard output kept for results.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command as inspect } from '../../cli/inspect.ts'
import { fileSource } from '../../cli/lib/file-source.ts'
import { openModel } from '../../cli/lib/model.ts'
import { ensureModel } from '../../cli/lib/pull.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { llamaMetadata, llamaTensors, TINY, writeGguf } from '../helpers/gguf-builder.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

let folder = ''
let gguf = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'islet-cli-'))
  const tensors = llamaTensors(TINY, 'Q8_0', (bytes) => new Uint8Array(bytes).fill(3))
  gguf = writeGguf(join(folder, 'small.Q8_0.gguf'), { metadata: llamaMetadata(TINY), tensors })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function islet(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
}

async function printed(...args: string[]): Promise<string> {
  let text = ''
  await inspect.run(args, (part) => void (text += part))
  return text
}

describe('islet', () => {
  it('packs, and the packed folder equals the file packed into memory', async () => {
    const out = join(folder, 'packed')
    const { status, stdout } = islet('pack', gguf, out, '--id', 'Small')
    expect([status, stdout.split(':')[0]]).toEqual([0, 'small'])
    const [folderModel, fileModel] = [await openModel(out, {}), await openModel(gguf, {})]
    expect(folderModel.manifest.hash).toBe(fileModel.manifest.hash)
    expect(folderModel.tokenizerBytes).toHaveLength(0)
    const { file, length } = folderModel.manifest.shards[0]
    const bytes = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> => {
      const parts: Uint8Array[] = []
      for await (const part of stream as unknown as AsyncIterable<Uint8Array>) parts.push(part.slice())
      return Buffer.concat(parts)
    }
    const [disk, memory] = [
      await bytes(await folderModel.source.open(file)),
      await bytes(await fileModel.source.open(file)),
    ]
    expect(disk.length).toBe(length)
    expect(disk.equals(memory)).toBe(true)
    await expect(fileSource(out).open('weights-009.bin')).rejects.toMatchObject({ code: 'model_not_found' })
  })

  it('refuses a folder packed by rules without checksums, and packs over it', async () => {
    const out = join(folder, 'models', 'older')
    const { manifest } = await openModel(gguf, {})
    expect(islet('pack', gguf, out).status).toBe(0)
    const older = manifest.shards.map(({ file, length, sha256 }) => ({ file, length, sha256 }))
    writeFileSync(join(out, 'manifest.json'), JSON.stringify({ ...manifest, shards: older, packer: 3 }))
    const refusal = { code: 'unsupported_format', message: expect.stringContaining('pack again') as string }
    await expect(openModel(out, {})).rejects.toMatchObject(refusal)
    const pulled = ensureModel('older', { models: join(folder, 'models'), log: () => undefined })
    await expect(pulled).rejects.toMatchObject(refusal)
    expect(islet('pack', gguf, out).status).toBe(0)
    expect((await openModel(out, {})).manifest.shards).toEqual(manifest.shards)
  })

  it("exits with 2 and one line on standard error for the user's mistakes", () => {
    for (const args of [
      ['pack', gguf],
      ['pack', gguf, folder],
      ['inspect', 'no-such-model'],
      ['frobnicate'],
      ['pack', '--wrong'],
      [],
    ]) {
      const { status, stdout, stderr } = islet(...args)
      expect([args, status, stdout]).toEqual([args, 2, ''])
      expect(stderr).toMatch(/^islet: /)
      expect(stderr).not.toMatch(/^ +at /m)
    }
  })

  it('says how to use a command', () => {
    const { status, stdout } = islet('pack', '--help')
    expect([status, stdout.startsWith('usage: islet pack INPUT OUT')]).toEqual([0, true])
  })
})

describe('inspect', () => {
  it('shows the same tensors for a file and for what it packs to', async () => {
    const text = await printed(gguf)
    expect(text).toMatch(/embedding +72 x 64 +Q8_0 +q8 +5440 +9\.44 +0\n/)
    expect(text).toMatch(/layers\.1\.down +64 x 96 +Q8_0 +q8 +6528/)
    expect(text).toMatch(/total +\d+\.\d MB: fits in 120\.0 MB/)
    const { manifest } = await openModel(gguf, {})
    expect(text).toContain(`${manifest.tensors.length} tensors`)
    expect(text).toContain(`${weightBytes(manifest)} bytes`)
  })

  it('plans a model from its config.json alone', async () => {
    const config = join(folder, 'smollm2.json')
    const sizes = {
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
    }
    const rest = {
      model_type: 'llama',
      hidden_act: 'silu',
      vocab_size: 49152,
      max_position_embeddings: 8192,
      tie_word_embeddings: true,
    }
    writeFileSync(config, JSON.stringify({ ...sizes, ...rest }))
    const text = await printed(config)
    expect(text).toContain('134515008 weights, 82816448 bytes')
    // 16 positions x 30 layers x 3 heads x 2 x (64 + 4) bytes; ceil(4/16) + ceil((1023 + 16)/16) + 1 pages.
    expect(text).toContain('68 pages of 195840')
    expect(await printed(config, '--window', '256')).toContain('20 pages of 195840')
    expect(await printed(config, '--quant', 'f32')).toMatch(/does not fit/)
  })
})
