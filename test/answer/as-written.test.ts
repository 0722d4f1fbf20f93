// From a body's bytes to the ids of its prompt: numbers keep their digits, keys their order, over the wire too.

import { join } from 'node:path'
import { expect, it } from 'vitest'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { promptText } from '../../src/chat/prompt-ids.ts'
import { parseExactJson, type ExactObject } from '../../src/lib/exact-json.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { readConversation } from '../../cli/lib/conversation.ts'
import { fakeLanes, post, MODEL } from '../api/helpers.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { FIXTURES, fromFolder } from '../tokenizer/support.ts'

const TOOL =
  '{"type":"function","function":{"name":"f","parameters":{"z":1.0,"10":1e16,"2":12345678901234567890}}}'
const CALL = (given: string) => `{"id":"a","type":"function","function":{"name":"f","arguments":${given}}}`
const ARGUMENTS = '{"b":1e-05,"7":-0.0,"1":100000000000000000000}'

it.each([
  ['text', JSON.stringify(ARGUMENTS)],
  ['an object', ARGUMENTS],
])('functions and calls with arguments as %s', async (_, given) => {
  const body = `{"model":"${MODEL}","tools":[${TOOL}],"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[${CALL(given)}]},{"role":"tool","content":"r","tool_call_id":"a"}]}`
  const fake = fakeLanes()
  expect((await post(fake, '/v1/chat/completions', body)).status).toBe(200)
  const request = JSON.parse(JSON.stringify(fake.requests[0])) as GenerateRequest
  const chat = { kind: 'builtin' as const, format: 'chatglm3' as const }
  const tokenizer = await fromFolder(join(FIXTURES, 'chatglm3'))
  const text = {
    tokenizer,
    manifest: { ...mockManifest(), chat, spec: { ...mockManifest().spec, vocab: tokenizer.vocabSize } },
  }
  const { ids } = preparePrompt(request, text, { maxPrompt: 4000, maxPositions: 4000 })
  const { messages, tools } = readConversation(parseExactJson(body) as ExactObject, undefined)
  const shown = promptText(tokenizer, chat, messages, { tools })
  expect(shown).toContain('tool_call(b=1e-05, 7=-0.0, 1=100000000000000000000)')
  expect(shown).toMatch(/"z": 1\.0,\s+"10": 1e\+16,\s+"2": 12345678901234567890\s/)
  expect(tokenizer.decode(ids)).toContain('tool_call(b=1e-05, 7=-0.0, 1=100000000000000000000)')
  expect(tokenizer.decode(ids)).toMatch(/"z": 1\.0,\s+"10": 1e\+16,\s+"2": 12345678901234567890\s/)
})
