// tokenize, detokenize and render as a person calls them.

import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { command as detokenize } from '../../cli/detokenize.ts'
import { command as render } from '../../cli/render.ts'
import { command as tokenize } from '../../cli/tokenize.ts'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { FIXTURES, byteLevelMetadata, readGolden } from './support.ts'

const LLAMA = join(FIXTURES, 'llama')
const scratch = mkdtempSync(join(tmpdir(), 'islet-text-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function put(name: string, content: string | Uint8Array): string {
  const path = join(scratch, name)
  writeFileSync(path, content)
  return path
}

async function output(command: typeof tokenize, ...argv: string[]): Promise<string> {
  let text = ''
  await command.run(argv, (part) => void (text += part))
  return text
}

describe('tokenize and detokenize', () => {
  it('agree with the goldens, from an argument and from a file', async () => {
    for (const { text, ids, decoded } of readGolden(LLAMA).cases.slice(0, 12)) {
      const file = put('text.txt', text)
      expect(await output(tokenize, LLAMA, '--text', text)).toBe(`${JSON.stringify(ids)}\n`)
      expect(await output(tokenize, LLAMA, '--text-file', file)).toBe(`${JSON.stringify(ids)}\n`)
      expect(await output(detokenize, LLAMA, '--ids', ids.join(','))).toBe(decoded)
    }
  })

  it('reads special tokens only with --special', async () => {
    expect(JSON.parse(await output(tokenize, LLAMA, '--text', '</s>'))).not.toContain(2)
    expect(await output(tokenize, LLAMA, '--text', '</s>', '--special')).toBe('[2]\n')
  })

  it('prints special tokens where the family does', async () => {
    const qwen = join(FIXTURES, 'qwen1')
    expect(await output(tokenize, qwen, '--text', '<|im_end|>', '--special')).toBe('[1002]\n')
    expect(await output(detokenize, qwen, '--ids', '1002')).toBe('<|im_end|>')
    expect(await output(detokenize, LLAMA, '--ids', '2')).toBe('')
  })

  it.each(['chatglm1/ice_text.model', 'qwen1/qwen.tiktoken', 'gemma3/tokenizer.model'])(
    'takes %s alone',
    async (file) => {
      const { cases } = readGolden(join(FIXTURES, file, '..'))
      const { text, ids, decoded } = cases[5]
      expect(await output(tokenize, join(FIXTURES, file), '--text', text)).toBe(`${JSON.stringify(ids)}\n`)
      expect(await output(detokenize, join(FIXTURES, file), '--ids', ids.join(','))).toBe(decoded)
    },
  )

  it('takes a tokenizer file alone', async () => {
    copyFileSync(join(LLAMA, 'tokenizer.model'), join(scratch, 'alone.model'))
    expect(await output(tokenize, join(scratch, 'alone.model'), '--text', 'hello')).toBe(
      '[585,264,307,593]\n',
    )
  })

  it('takes back what tokenize printed', async () => {
    expect(await output(detokenize, LLAMA, '--ids', '[585, 264, 307, 593]\n')).toBe('hello')
    expect(await output(detokenize, LLAMA, '--ids', '')).toBe('')
  })

  it.each([
    [tokenize, [LLAMA], 'invalid_request'],
    [tokenize, [LLAMA, '--text', 'a', '--text-file', 'b'], 'invalid_request'],
    [tokenize, ['--text', 'a'], 'invalid_request'],
    [tokenize, [LLAMA, '--no-such'], 'invalid_request'],
    [tokenize, [LLAMA, '--text-file', join(scratch, 'absent')], 'invalid_request'],
    [tokenize, ['no-such-model', '--text', 'a'], 'model_not_found'],
    [tokenize, [join(LLAMA, 'goldens.json'), '--text', 'a'], 'unsupported_format'],
    [detokenize, [LLAMA, '--ids', '1,1000'], 'invalid_request'],
    [detokenize, [LLAMA, '--ids', '1,,2'], 'invalid_request'],
    [detokenize, [LLAMA, '--ids', '-1'], 'invalid_request'],
    [render, [LLAMA], 'invalid_request'],
  ])('%# refuses %o', async (command, argv, code) => {
    await expect(output(command, ...argv)).rejects.toMatchObject({ code })
  })
})

describe('render', () => {
  const template = put(
    't.jinja',
    `{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{{ tools }}`,
  )
  const messages = put('m.json', JSON.stringify([
    { role: 'developer', content: 'be brief', extra: 1 },
    { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: '</s>' }] },
    { role: 'assistant', content: null },
  ])) // prettier-ignore

  it('prints text as the endpoint reads the messages', async () => {
    const text = await output(render, LLAMA, '--messages', messages, '--template', template)
    expect(text).toContain('<s>[system] be brief\n[user] a\n</s>\n[assistant] None\n')
  })

  it('prints ids, without a mark from a message', async () => {
    const ids = JSON.parse(
      await output(render, LLAMA, '--messages', messages, '--template', template, '--ids'),
    ) as number[]
    expect(ids[0]).toBe(1)
    expect(ids.slice(1)).not.toContain(1)
    expect(ids).not.toContain(2)
  })

  it('says what is wrong', async () => {
    const bad = put('bad.json', '[{"role": "king", "content": "x"}]')
    const calls = [
      [render, LLAMA, '--messages', messages],
      [render, LLAMA, '--messages', bad, '--template', template],
      [render, LLAMA, '--messages', put('no.json', '{'), '--template', template],
    ] as const
    for (const [command, ...argv] of calls) {
      await expect(output(command, ...argv)).rejects.toMatchObject({ code: 'invalid_request' })
    }
  })
})

describe('a packed folder', () => {
  it('is opened by its manifest, and refused with other bytes', async () => {
    const file = writeTokenizer(tokenizerFromGguf(byteLevelMetadata([['h', 'i']])))
    put('tokenizer.bin', file)
    const sha256 = createHash('sha256').update(file).digest('hex')
    const tokenizer = { file: 'tokenizer.bin', length: file.length, sha256 }
    const chat = { kind: 'jinja', template: '{{ messages[0].content }}' }
    const packed = { format: 'islet', version: 2, id: 'words', spec: {}, tensors: [], shards: [] }
    put('manifest.json', JSON.stringify({ ...packed, tokenizer, chat }))
    const opened = await tokenizerOf(scratch)
    expect(opened.tokenizer.encode('hi')).toEqual([259])
    expect(opened.chat.kind).toBe('jinja')
    const changed = readFileSync(join(scratch, 'tokenizer.bin'))
    changed[changed.length - 1] ^= 1
    put('tokenizer.bin', changed)
    await expect(tokenizerOf(scratch)).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })
})
