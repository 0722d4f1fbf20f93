// islet parse as a person calls it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { command } from '../../cli/parse.ts'
import { readChat } from '../chat/golden-chats.ts'
import { FIXTURES } from '../tokenizer/support.ts'

const LLAMA = join(FIXTURES, 'llama')
const scratch = mkdtempSync(join(tmpdir(), 'islet-parse-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function put(name: string, content: string): string {
  const path = join(scratch, name)
  writeFileSync(path, content)
  return path
}

async function parse(...argv: string[]): Promise<unknown> {
  let text = ''
  await command.run(argv, (part) => void (text += part))
  return JSON.parse(text)
}

describe('islet parse', () => {
  it('prints the message that the endpoint would answer with', async () => {
    type Case = { output: string; history_has_tools: boolean; new_messages: object[] }
    const [plain, call] = readChat<{ process_response: Case[] }>(join(FIXTURES, 'chatglm3')).process_response
    const argv = ['--chat', 'chatglm3']
    expect(await parse(LLAMA, put('a', plain.output), ...argv)).toEqual({
      role: 'assistant',
      content: '你好！2023年',
      finish_reason: 'stop',
      messages: plain.new_messages,
    })
    expect(await parse(LLAMA, put('a', call.output), ...argv, '--tools')).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [
        {
          type: 'function',
          function: { name: 'get_weather', arguments: '{"city":"北京","unit":"celsius"}' },
        },
      ],
      finish_reason: 'tool_calls',
      messages: call.new_messages,
    })
  })

  it('reads thoughts and calls by a template', async () => {
    const template = put('t.jinja', '{{ tools }}<tool_call></think>')
    const answer = put('a', 'so be it\n</think>\n\nok\n<tool_call>{"name":"f","arguments":{}}</tool_call>')
    expect(await parse(LLAMA, answer, '--template', template, '--tools')).toEqual({
      role: 'assistant',
      content: 'ok',
      reasoning_content: 'so be it',
      tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{}' } }],
      finish_reason: 'tool_calls',
    })
  })

  it.each([
    [[LLAMA], 'invalid_request'],
    [[LLAMA, join(scratch, 'absent')], 'invalid_request'],
    [[LLAMA, join(LLAMA, 'chat.json'), '--chat', 'none'], 'invalid_request'],
    [[LLAMA, join(LLAMA, 'chat.json'), '--chat', 'chatml'], 'invalid_request'],
    [['no-such-model', join(LLAMA, 'chat.json')], 'model_not_found'],
  ])('%# is refused', async (argv, code) => {
    await expect(parse(...argv)).rejects.toMatchObject({ code })
  })
})
