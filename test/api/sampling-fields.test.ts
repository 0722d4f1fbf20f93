// What bodies say of sampling in llama-server's words, and what a lane is asked for then.

import { expect, it } from 'vitest'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { chat, completion, fakeLanes, post } from './helpers.ts'

async function asked(path: string, body: object): Promise<GenerateRequest> {
  const fake = fakeLanes()
  const response = await post(fake, path, body)
  expect(await response.text()).toContain('Hello')
  return fake.requests[0]
}

it("llama-server's names are ours, and its rules are off unless they are asked for", async () => {
  const plain = (await asked('/v1/completions', completion({ seed: 1 }))).sampling
  const off = {
    repeat_last_n: -1,
    dry_multiplier: 0,
    dry_base: 2,
    top_n_sigma: -1,
    dynatemp_range: 0,
    typical_p: 1,
  }
  const more = {
    xtc_probability: 0,
    xtc_threshold: 0.2,
    mirostat: 0,
    mirostat_tau: 3,
    dry_sequence_breakers: ['a'],
  }
  expect((await asked('/v1/completions', completion({ seed: 1, ...off, ...more }))).sampling).toEqual(plain)
  const named = await asked(
    '/v1/completions',
    completion({ repeat_penalty: 1.2, typ_p: 0.6, n_predict: 7, cache_prompt: true }),
  )
  expect(named.sampling).toMatchObject({ repetitionPenalty: 1.2, typicalP: 0.6 })
  expect(named.maxTokens).toBe(7)
  expect((await asked('/v1/completions', completion({ n_predict: -1 }))).maxTokens).toBeUndefined()
  expect((await asked('/v1/chat/completions', chat({ n_predict: 9 }))).maxTokens).toBe(9)
})

it("llama-server's rules with their values, and with its own where none is said", async () => {
  const { sampling } = await asked(
    '/v1/chat/completions',
    chat({
      repeat_last_n: 64,
      dry_multiplier: 0.8,
      top_n_sigma: 1,
      dynatemp_range: 0.5,
      xtc_probability: 0.5,
    }),
  )
  expect(sampling).toMatchObject({
    repeatLastN: 64,
    dry: { multiplier: 0.8, base: 1.75, allowedLength: 2, breakers: ['\n', ':', '"', '*'] },
    topNSigma: 1,
    dynatemp: { range: 0.5, exponent: 1 },
    xtc: { probability: 0.5, threshold: 0.1 },
  })
  const said = await asked(
    '/v1/chat/completions',
    chat({
      dry_multiplier: 1,
      dry_base: 2,
      dry_allowed_length: 3,
      dry_penalty_last_n: 9,
      dry_sequence_breakers: [],
      dynatemp_range: 1,
      dynatemp_exponent: 2,
      typical_p: 0.5,
      xtc_probability: 1,
      xtc_threshold: 0.3,
    }),
  )
  expect(said.sampling).toMatchObject({
    dry: { multiplier: 1, base: 2, allowedLength: 3, lastN: 9, breakers: [] },
    dynatemp: { range: 1, exponent: 2 },
    typicalP: 0.5,
    xtc: { probability: 1, threshold: 0.3 },
  })
  expect((await asked('/v1/chat/completions', chat({ dry_multiplier: 1, dry_penalty_last_n: 0 }))).sampling).not.toHaveProperty('dry') // prettier-ignore
})

it('Mirostat stands alone beside the temperature, and the reply names what it left out', async () => {
  const fields = {
    mirostat: 2,
    mirostat_eta: 0.2,
    top_p: 0.9,
    top_k: 40,
    dynatemp_range: 1,
    temperature: 0.8,
  }
  const { sampling } = await asked('/v1/chat/completions', chat(fields))
  expect(sampling).toMatchObject({ temperature: 0.8, topP: 1, topK: 0, mirostat: { tau: 5, eta: 0.2 } })
  expect(sampling).not.toHaveProperty('dynatemp')
  const { reply } = parseChat(chat({ ...fields, cache_prompt: false }), () => 1)
  expect(reply.ignored).toEqual(['cache_prompt', 'top_k', 'top_p', 'dynatemp_range'])
  const greedy = await asked('/v1/chat/completions', chat({ mirostat: 2, temperature: 0 }))
  expect(greedy.sampling).not.toHaveProperty('mirostat')
})
