// Forced calls by each family's tiny checkpoint and by packed models, at temperature 1: each validates by ajv, streamed as whole.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel } from '../../cli/lib/model.ts'
import { Answer } from '../../src/answer/answer.ts'
import { preparePrompt, rulesFor } from '../../src/answer/prepare-prompt.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { joinCalls, type CallPiece } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { CUT, familiesIn } from '../helpers/golden.ts'
import { missingModel, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'

const word = { type: 'string', maxLength: 8 }
const few = { type: 'integer', minimum: 1, maximum: 9 }
const object = (properties: object, required: string[] = Object.keys(properties), more: object = {}) => ({
  type: 'object',
  properties,
  required,
  ...more,
})

/** Twenty schemas, each unlike the others. */
const SCHEMAS: unknown[] = [
  object({ city: word, days: few }),
  object({ unit: { enum: ['c', "f's", 'k"'] } }),
  object({ on: { type: 'boolean' }, note: { type: ['string', 'null'], maxLength: 4 } }, ['on']),
  object({ at: { type: 'string', format: 'date' } }),
  object({ price: { type: 'number', multipleOf: 0.01, minimum: 0, maximum: 99 } }),
  object({ tags: { type: 'array', items: { enum: ['a', 'b'] }, minItems: 1, maxItems: 3 } }),
  object({ id: { type: 'string', pattern: '^[A-Z]{2}\\d{2}$' } }),
  object({ place: object({ lat: { type: 'number', minimum: -90, maximum: 90 }, name: word }) }),
  object({ kind: { const: 'x' }, n: { type: 'integer', enum: [3, 5, 70] } }),
  object({ tree: { $ref: '#/$defs/t' } }, ['tree'], {
    $defs: { t: object({ v: few, of: { type: 'array', items: { $ref: '#/$defs/t' }, maxItems: 1 } }, ['v']) },
  }),
  object({ a: few, b: few, c: few }, []),
  object({ or: { anyOf: [{ type: 'boolean' }, { type: 'array', items: few, maxItems: 2 }] } }),
  object({ set: { type: 'array', items: { enum: [1, 'x', true, null] }, uniqueItems: true, maxItems: 3 } }),
  object({ map: { type: 'object', additionalProperties: few, maxProperties: 2 } }),
  object({ text: { type: 'string', minLength: 2, maxLength: 3 } }),
  object({ flag: { enum: [true, null, 1.5] } }),
  object({ deep: object({ er: object({ est: word }) }) }),
  object({ none: { type: 'null' } }),
  object({ list: { type: 'array', prefixItems: [few, word], items: false, minItems: 2 } }),
  {},
]
const TOOLS = SCHEMAS.map((parameters, i) => ({
  type: 'function',
  function: { name: `tool_${i}`, parameters },
}))
const validators = SCHEMAS.map((schema) =>
  new Ajv2020({ strict: false, formats: { date: /^\d{4}-\d\d-\d\d$/ } }).compile(schema as object),
)

const SAID = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}'
const HERMES: ChatFormat = { kind: 'jinja', template: `{{ tools | tojson }}<tool_call>${SAID}` }
const LLAMA3: ChatFormat = {
  kind: 'jinja',
  template: `${SAID}{{ tools | tojson }}{"name": f, "parameters": dictionary of argument name and its value}`,
}
/** Formats that a checkpoint's own files do not tell. */
const CHATS: Record<string, ChatFormat> = { qwen2: HERMES, qwen3: HERMES, mistral: LLAMA3 }

const CALLS = 17
const LIMIT = 200
const REAL = missingModel() === undefined ? [REAL_FOLDER] : []
const FOLDERS = [TINY_FOLDER, ...REAL, ...familiesIn(CUT).map((family) => `${CUT}/${family}`)]

async function open(folder: string) {
  const { manifest, source, tokenizerBytes } = await openModel(folder, {})
  const chat = CHATS[folder.split('/').at(-1) ?? ''] ?? manifest.chat
  if (tokenizerBytes.length === 0 || chat.kind === 'none') return undefined
  const model = await loadModel(manifest, source, {
    window: { window: undefined, sinks: 0 },
    kv: localKv(manifest),
    maxPositions: 4096,
    kernels: nodeKernels(),
    chunk: 64,
    logitRows: 1,
  })
  return { model, text: { manifest: { ...manifest, chat }, tokenizer: readTokenizer(tokenizerBytes) } }
}

describe.each(FOLDERS.map((folder) => ({ name: folder.split('/').at(-1) ?? '', folder })))(
  '$name',
  ({ folder }) => {
    test('calls as it is told to', async ({ skip }) => {
      const opened = await open(folder)
      if (opened === undefined) return skip('it has no text or no chat')
      const { model, text } = opened
      const { tokenizer } = text
      const scratch = createScratch(tokenizer.vocabSize)
      for (let n = 0; n < CALLS; n++) {
        const tools = [n, n + 3, n + 7].map((i) => TOOLS[i % TOOLS.length])
        const asked = request({
          prompt: { kind: 'chat', messages: [{ role: 'user', content: 'go' }], tools },
          maxTokens: LIMIT,
          callRule: { required: true, single: n % 3 !== 0 },
          sampling: { ...request().sampling, temperature: 1, seed: n },
        })
        const prompt = preparePrompt(asked, text, { maxPrompt: 3800, maxPositions: 4096 })
        const answer = new Answer(asked, tokenizer, prompt.ids, rulesFor(prompt, text), false)
        answer.begin(scratch, LIMIT)
        const feed = new Feed(model)
        const ids: number[] = []
        const pieces: CallPiece[] = []
        let said = ''
        const take = (): void => {
          for (let event = answer.take(); event !== undefined; event = answer.take()) {
            said += event.text
            pieces.push(...(event.calls ?? []))
          }
        }
        let last: Float32Array = new Float32Array()
        feed.run(prompt.ids.slice(0, -1))
        feed.run(prompt.ids.slice(-1), (logits) => (last = logits.slice()))
        while (!answer.stopped && ids.length < LIMIT) {
          const { id } = answer.choose(last.subarray(0, tokenizer.vocabSize), prompt.ids.length + ids.length)
          ids.push(id)
          take()
          if (!answer.stopped) feed.run([id], (logits) => (last = logits.slice()))
        }
        expect(answer.stopped, `${n}: ${tokenizer.decode(ids)}`).toBe(true)
        expect(answer.finishReason('stop')).toBe('tool_calls')
        expect(said).toBe('')
        const calls = joinCalls(pieces)
        if (n % 3 !== 0) expect(calls).toHaveLength(1)
        for (const { name, arguments: given } of calls) {
          const at = Number(name.slice(5))
          expect(tools).toContain(TOOLS[at])
          expect(validators[at](JSON.parse(given)), `${name} ${given}`).toBe(true)
        }
        const whole = new Answer(asked, tokenizer, prompt.ids, rulesFor(prompt, text), false)
        whole.replay(ids, [])
        const events = []
        for (let event = whole.take(); event !== undefined; event = whole.take()) events.push(event)
        const rest = whole.stopped ? undefined : whole.end()
        if (rest !== undefined) events.push(rest)
        expect(joinCalls(events.flatMap((event) => event.calls ?? []))).toEqual(calls)
      }
    }, 120_000)
  },
)
