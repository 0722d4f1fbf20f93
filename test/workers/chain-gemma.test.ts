// Gemma 3 270M with all its 262,144 ids, which no isolate holds: the bits of one memory in Node, each isolate within its limit.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { promptIds } from '../../bench/lib/cases.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { fileSource } from '../../cli/lib/file-source.ts'
import { openModel } from '../../cli/lib/model.ts'

import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import { ISOLATE_BYTES } from '../../src/lib/limits.ts'
import { logprobsOf } from '../../src/sampling/logprobs.ts'
import { heapTotal } from '../../tools/inspector.ts'
import { startChain, type TestChain } from '../helpers/chain-worker.ts'
import { sampled, TELLING } from '../helpers/isolates.ts'
import { GEMMA_FOLDER, missingGemma } from '../helpers/real-model.ts'

const TOKENS = 12
const TOP = 5
/** Past the window, so that the pool was filled and pages were given back. */
const LONG = 2000
const SAMPLE_MS = 50

const skip = missingGemma([`${GEMMA_FOLDER}/manifest.json`])

type Chunk = {
  error?: { message: string }
  choices: {
    text: string
    logprobs: { tokens: string[]; token_logprobs: number[]; top_logprobs: Record<string, number>[] }
  }[]
}

describe.skipIf(skip !== undefined)(
  `Gemma over several scripts${skip === undefined ? '' : ` (${skip})`}`,
  () => {
    let chain: TestChain
    beforeAll(async () => {
      chain = await startChain(GEMMA_FOLDER, 'auto', { env: TELLING })
    }, 240_000)
    afterAll(() => chain?.stop())

    const complete = async (body: object): Promise<Chunk> => {
      const init = { method: 'POST', body: JSON.stringify({ model: chain.model, temperature: 0, ...body }) }
      const answer = (await (await fetch(`${chain.url}/v1/completions`, init)).json()) as Chunk
      if (answer.error !== undefined) throw new Error(answer.error.message)
      return answer
    }

    test('log probabilities are those of the command line', async () => {
      const { manifest, source } = await openModel(GEMMA_FOLDER, {})
      const { tokenizer } = await readModelText(fileSource(GEMMA_FOLDER))
      const whole = await loadModel(manifest, source, {
        window: { window: 1024, sinks: 4 },
        chunk: 32,
        kernels: nodeKernels(),
      })
      const prompt = tokenizer.encode('The capital of France is Paris, and the capital of Italy is')
      const feed = new Feed(whole)
      const wanted: { token: string; logprob: number; top: number[] }[] = []
      let ids: readonly number[] = prompt
      for (let i = 0; i < TOKENS; i++) {
        let row = new Float32Array(0)
        feed.run(ids, (logits) => (row = logits.slice()))
        const best = row.reduce((found, logit, id) => (logit > row[found] ? id : found), 0)
        const { logprob, top } = logprobsOf(row, row[best], best, TOP)
        wanted.push({ token: tokenizer.decode([best]), logprob, top: top.map((each) => each.logprob) })
        ids = [best]
      }
      const { choices } = await complete({ prompt, max_tokens: TOKENS, logprobs: TOP, ignore_eos: true })
      const { token_logprobs: got, top_logprobs: tops } = choices[0].logprobs
      expect(got).toEqual(wanted.map(({ logprob }) => logprob))
      expect(tops.map((top) => Object.values(top).sort((a, b) => b - a))).toEqual(
        wanted.map(({ top }) => top),
      )
      expect(choices[0].text).toContain(wanted[0].token.trim())
    }, 120_000)

    test(`every isolate stays within ${ISOLATE_BYTES / 1e6} MB, with the whole window in use`, async () => {
      const health = async () => {
        const body = await (await fetch(`${chain.url}/health`)).json()
        return body as {
          linear_memory_bytes: number
          window: number
          stages: { linear_memory_bytes: number }[]
        }
      }
      const { stages, linear_memory_bytes: hub, window } = await health()
      expect([stages.length > 0, window]).toEqual([true, 1024])
      const names = ['islet', ...stages.map((_, i) => `islet-stage-${i + 1}`)]
      const samplers = await sampled(chain, names, SAMPLE_MS)
      const prompt = promptIds(LONG, 0)
      await complete({ prompt, max_tokens: 60, ignore_eos: true, logprobs: TOP })
      await complete({
        prompt: [...prompt, ...promptIds(32, 1)],
        max_tokens: 60,
        ignore_eos: true,
        temperature: 1,
      })
      for (const sampler of samplers) await sampler.stop()
      const linear = [hub, ...stages.map((stage) => stage.linear_memory_bytes)]
      const peaks = samplers.map((sampler, i) => linear[i] + heapTotal(sampler.peak()))
      console.log(names.map((name, i) => `${name}: ${linear[i]} linear, peak ${peaks[i]}`).join('\n'))
      for (const peak of peaks) expect(peak).toBeLessThanOrEqual(ISOLATE_BYTES)
    }, 240_000)
  },
)
