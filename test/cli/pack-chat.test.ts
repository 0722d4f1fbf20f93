// islet pack --chat: the chat format in the manifest is the one that was named.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readManifest } from '../../cli/lib/model.ts'
import { command as pack } from '../../cli/pack.ts'
import { FLOAT_MODEL } from '../../bench/quant-loss.ts'

const folder = mkdtempSync(join(tmpdir(), 'islet-chat-format-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('islet pack --chat', () => {
  it.each([
    ['qwen1', { kind: 'builtin', format: 'qwen1' }],
    ['none', { kind: 'none' }],
  ])('%s', async (name, chat) => {
    const out = join(folder, name)
    await pack.run([FLOAT_MODEL, out, '--quant', 'q8', '--chat', name])
    expect((await readManifest(out)).chat).toEqual(chat)
  })

  it('says what there is, before any work', async () => {
    await expect(pack.run([FLOAT_MODEL, join(folder, 'never'), '--chat', 'vicuna'])).rejects.toThrow(
      '--chat vicuna: one of llama2',
    )
  })
})
