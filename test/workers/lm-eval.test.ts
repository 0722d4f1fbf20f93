// What lm-eval's local-completions sent, word for word, is answered by the worker with the log probabilities of `islet logits`.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../../cli/logits.ts'
import { fileSource } from '../../cli/lib/file-source.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import { largest } from '../../src/sampling/candidates.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

type Body = { prompt: string | number[][]; max_tokens: number; logprobs: number; echo: boolean }
type Logprobs = {
  tokens: string[]
  token_logprobs: (number | null)[]
  top_logprobs: (Record<string, number> | null)[]
  text_offset: number[]
}
type Choice = { text: string; logprobs: Logprobs }

const recorded = JSON.parse(readFileSync(`${ROOT}test/fixtures/clients/lm-eval.json`, 'utf8')) as {
  path: string
  body: Body
}[]

let worker: TestWorker
let tokenizer: Tokenizer
beforeAll(async () => {
  worker = await startWorker(TINY_FOLDER)
  tokenizer = (await readModelText(fileSource(TINY_FOLDER))).tokenizer
})
afterAll(async () => {
  await worker?.stop()
})

/** Rows of `islet logits`, (ids, vocab). */
async function logitsOf(ids: readonly number[]): Promise<Float32Array[]> {
  const folder = mkdtempSync(join(tmpdir(), 'islet-logits-'))
  try {
    const out = join(folder, 'rows.npy')
    await command.run([TINY_FOLDER, '--ids', ids.join(','), '--out', out])
    const file = readFileSync(out)
    const begin = 10 + file.readUInt16LE(8)
    const numbers = new Float32Array(
      file.buffer.slice(file.byteOffset + begin, file.byteOffset + file.length),
    )
    const vocab = numbers.length / ids.length
    return ids.map((_, row) => numbers.subarray(row * vocab, (row + 1) * vocab))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function answered(path: string, body: Body): Promise<Choice> {
  const response = await fetch(`${worker.url}${path}`, {
    method: 'POST',
    body: JSON.stringify({ ...body, model: worker.model }),
  })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return (JSON.parse(text) as { choices: Choice[] }).choices[0]
}

it('both kinds of prompt were sent', () => {
  expect(recorded.map(({ body }) => typeof body.prompt).toSorted()).toEqual(['object', 'string'])
})

it.each(recorded)('a prompt is scored as it is computed: $body.prompt', async ({ path, body }) => {
  // Ids are the larger model's.
  const prompt =
    typeof body.prompt === 'string'
      ? body.prompt
      : body.prompt.map((ids) => ids.map((id) => id % tokenizer.vocabSize))
  const ids = typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt[0]
  const rows = await logitsOf(ids)
  const expected = ids.slice(1).map((id, at) => rows[at][id] - logSumExp(rows[at]))
  const { text, logprobs } = await answered(path, { ...body, prompt })
  const { token_logprobs, top_logprobs, text_offset } = logprobs
  // The prompt's, and that of the one token that it asks for, which it leaves off.
  expect(token_logprobs[0]).toBeNull()
  expect(token_logprobs.slice(1, -1)).toEqual(expected)
  const likeliest = rows.slice(0, -1).map((row) => row[largest(row, 1)[0]] - logSumExp(row))
  expect(top_logprobs.slice(1, -1).map((top) => Math.max(...Object.values(top ?? {})))).toEqual(likeliest)
  expect(token_logprobs.at(-1)).toBe(Math.max(...Object.values(top_logprobs.at(-1) ?? {})))
  const said = tokenizer.decode(ids)
  expect(text.startsWith(said)).toBe(true)
  expect(text_offset.at(-1)).toBe([...said].length)
  expect(await answered(path, { ...body, prompt, max_tokens: 0 })).toMatchObject({
    text: said,
    finish_reason: 'length',
    logprobs: { token_logprobs: [null, ...expected], text_offset: text_offset.slice(0, -1) },
  })
})
