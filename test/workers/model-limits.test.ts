// The model list says of a running worker what its lanes hold a prompt to, with full attention and with a window.

import { afterEach, expect, test } from 'vitest'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

let worker: TestWorker
afterEach(() => worker.stop())

type Listed = { max_input_tokens: number; max_tokens: number | null; meta: { n_ctx_train: number } }

test.each([
  ['full attention', { WINDOW: '0' }],
  ['a window', { WINDOW: '64', MAX_PROMPT: '300' }],
])(
  'with %s the longest prompt is listed, and one token more is refused',
  async (_, vars) => {
    worker = await startWorker(TINY_FOLDER, vars)
    const listed = (await (await fetch(`${worker.url}/v1/models/${worker.model}`)).json()) as Listed
    const status = async (tokens: number): Promise<number> => {
      const body = { model: worker.model, prompt: Array<number>(tokens).fill(5), max_tokens: 1 }
      const init = { method: 'POST', body: JSON.stringify(body) }
      return (await fetch(`${worker.url}/v1/completions`, init)).status
    }
    const most = listed.max_input_tokens
    expect(most).toBe('MAX_PROMPT' in vars ? 300 : listed.meta.n_ctx_train - 1)
    expect(listed.max_tokens).toBe('MAX_PROMPT' in vars ? null : most)
    expect([await status(most), await status(most + 1)]).toEqual([200, 400])
  },
  120_000,
)
