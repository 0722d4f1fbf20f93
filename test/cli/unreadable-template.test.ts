// A checkpoint whose chat template cannot be read: every command that reads it says so alike, and exits with 2.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FLOAT_MODEL } from '../../bench/quant-loss.ts'
import { command as chat } from '../../cli/chat.ts'
import { command as inspect } from '../../cli/inspect.ts'
import { command as pack } from '../../cli/pack.ts'
import { command as parse } from '../../cli/parse.ts'
import { command as render } from '../../cli/render.ts'
import { IsletError, isUserCode } from '../../src/lib/errors.ts'
import { llamaMetadata, llamaTensors, TINY, writeGguf } from '../helpers/gguf-builder.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'islet-unreadable-'))
  writeFileSync(join(folder, 'messages.json'), '[{"role":"user","content":"a"}]')
  writeFileSync(join(folder, 'answer.txt'), 'b')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** In a branch that is not taken, on the third line. */
const TEMPLATES: [construct: string, template: string, says: RegExp][] = [
  [
    'a filter',
    'a\n{% if false %}\n{{ messages | of_tomorrow }}{% endif %}',
    /line 3: no filter is named 'of_tomorrow'/,
  ],
  [
    'a test',
    'a\n{% if false %}\n{{ messages is of_tomorrow }}{% endif %}',
    /line 3: no test is named 'of_tomorrow'/,
  ],
  ['a tag', "a\n{% if false %}\n{% include 'x' %}{% endif %}", /line 3: the tag 'include'/],
  ['what has no end', 'a\n\n{% for m in messages %}', /line 3: 'for' has no 'endfor'/],
  [
    'bytes, where they are reached',
    "a\n\n{{ 'a'.encode() }}",
    /line 3: bytes, which encode would give is not supported/,
  ],
]

function gguf(template: string): string {
  const names = Array.from({ length: TINY.vocab }, (_, i) => (i === 0 ? '!"' : String.fromCharCode(0x20 + i)))
  const tensors = llamaTensors(TINY, 'Q8_0', (bytes, type) =>
    type === 'F32'
      ? new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer)
      : new Uint8Array(bytes).fill(3),
  )
  const metadata = {
    ...llamaMetadata(TINY),
    'tokenizer.ggml.model': { string: 'gpt2' },
    'tokenizer.ggml.pre': { string: 'gpt-2' },
    'tokenizer.ggml.tokens': { strings: names },
    'tokenizer.ggml.merges': { strings: ['! "'] },
    'tokenizer.chat_template': { string: template },
  }
  return writeGguf(join(folder, 'model.gguf'), { metadata, tensors })
}

function safetensors(template: string): string {
  const copy = join(folder, 'checkpoint')
  mkdirSync(copy, { recursive: true })
  for (const name of FILES) writeFileSync(join(copy, name), readFileSync(join(FLOAT_MODEL, name)))
  writeFileSync(join(copy, 'chat_template.jinja'), template)
  return copy
}
const FILES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']

/** What each command throws for the model. */
async function refusals(model: string): Promise<unknown[]> {
  const quiet = (): void => undefined
  const commands = [
    () => pack.run([model, join(folder, 'out')]),
    () => inspect.run([model], quiet),
    () => render.run([model, '--messages', join(folder, 'messages.json')], quiet),
    () => parse.run([model, join(folder, 'answer.txt')], quiet),
    () => chat.run([model], quiet, (async function* () {})()),
  ]
  const errors: unknown[] = []
  for (const run of commands)
    errors.push(
      await run().then(
        () => 'done',
        (error: unknown) => error,
      ),
    )
  return errors
}

describe.each([
  ['model.gguf', gguf],
  ['chat_template.jinja', safetensors],
])('in %s', (file, write) => {
  it.each(TEMPLATES)('%s', async (_, template, says) => {
    const errors = await refusals(write(template))
    for (const error of errors) {
      expect(error).toBeInstanceOf(IsletError)
      const { code, message } = error as IsletError
      expect(message).toMatch(says)
      expect(message.startsWith(`${file}: the chat template cannot be read: line 3`)).toBe(true)
      expect(isUserCode(code), `${code} exits with 2`).toBe(true)
    }
    expect(new Set(errors.map((error) => (error as IsletError).message)).size).toBe(1)
  })

  it('one that can be read is no hindrance', async () => {
    const model = write('{% for m in messages %}{{ m.content }}{% endfor %}')
    await render.run([model, '--messages', join(folder, 'messages.json')], () => undefined)
    await parse.run([model, join(folder, 'answer.txt')], () => undefined)
  })
})
