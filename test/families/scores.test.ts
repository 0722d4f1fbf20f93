// Scores of each family equal the plain computation bit for bit, also where keys depend on the prompt's shape: the length of
// Qwen 1's, the prefix of ChatGLM-6B's.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel } from '../../cli/lib/model.ts'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { promptShape } from '../../src/cache/prompt-shape.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import type { ScoresEvent } from '../../src/protocol/generation.ts'
import type { ScoredPrompt } from '../../src/protocol/scores.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { writeChatGlm1 } from '../helpers/family-model.ts'
import { CUT, familiesIn } from '../helpers/golden.ts'
import { mockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const scratch = mkdtempSync(join(tmpdir(), 'islet-scores-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const POSITIONS = 512
const WORDS = ['three', 'three four', 'three five', 'no', 'one two three']
const SHORT = 'one two'
/** Beyond the length that the golden of Qwen 1 was trained for. */
const LONG = 'one two three four five six seven eight nine ten eleven'

async function opened(folder: string) {
  const { manifest, source, tokenizerBytes } = await openModel(folder, {})
  if (tokenizerBytes.length === 0) return undefined
  const load = (logitRows = 4) =>
    loadModel(manifest, source, {
      window: { window: undefined, sinks: 0 },
      kv: localKv(manifest),
      maxPositions: POSITIONS,
      kernels: nodeKernels(),
      chunk: 64,
      logitRows,
    })
  const text = { manifest, tokenizer: readTokenizer(tokenizerBytes) }
  const { lane } = mockLane({
    config: { model: manifest.id, maxPrompt: 300, chunk: 64, windows: [0] },
    parts: { readText: () => Promise.resolve(text), readModel: () => load() },
  })
  return { lane, text, model: await load(64) }
}
type Opened = NonNullable<Awaited<ReturnType<typeof opened>>>

async function scored({ lane, text }: Opened, tenant: string, prompts: ScoredPrompt[]): Promise<ScoresEvent> {
  const asked = { requestId: 'a', tenant, sessionKey: 'key', model: text.manifest.id, prompts }
  for await (const event of decodeEvents(lane.score(asked))) {
    if (event.type === 'error') throw new Error(event.message)
    if (event.type === 'scores') return event
  }
  throw new Error('no scores')
}

const idsOf = ({ text }: Opened, { prompt }: ScoredPrompt): number[] =>
  preparePrompt(request({ prompt }), text, { maxPrompt: 300, maxPositions: POSITIONS }).ids

/** One continuation behind its prompt, row by row. */
function plain(given: Opened, asked: ScoredPrompt, word: string): number[] {
  const ids = given.text.tokenizer.encode(word)
  const feed = new Feed(given.model)
  const logprobs: number[] = []
  const next = (logits: Float32Array): void => {
    const id = ids[logprobs.length]
    if (id !== undefined) logprobs.push(logits[id] - logSumExp(logits))
  }
  const prompt = idsOf(given, asked)
  feed.run(prompt, (logits, position) => {
    if (position === prompt.length - 1) next(logits)
  })
  for (const id of ids.slice(0, -1)) feed.run([id], next)
  return logprobs
}

describe.each([...familiesIn(CUT), 'chatglm1 with a tokenizer'])('%s', (family) => {
  test('scores as it computes', async ({ skip }) => {
    const given = await opened(
      family.endsWith('tokenizer') ? await writeChatGlm1(scratch) : join(CUT, family),
    )
    if (given === undefined) return skip('it has no text')
    const isChat = given.text.manifest.chat.kind !== 'none'
    const prompts = [SHORT, LONG, `${SHORT} three`, LONG].map((content, i): ScoredPrompt => ({
      prompt: isChat
        ? { kind: 'chat', messages: [{ role: 'user', content }] }
        : { kind: 'text', text: content },
      continuations: WORDS,
      ...(i > 1 && { keep: true }),
    }))
    if (family === 'qwen1') {
      const shapes = prompts.map((each) => promptShape(given.text.manifest.spec, idsOf(given, each), given.model.window)) // prettier-ignore
      expect(new Set(shapes.map(({ ntk }) => ntk)).size).toBeGreaterThan(1)
    }
    const expected = prompts.map((each) => WORDS.map((word) => plain(given, each, word)))
    expect(expected.flat(2).every((logprob) => logprob < 0)).toBe(true)
    const cold = await scored(given, 'a', prompts)
    expect(cold.logprobs).toEqual(expected)
    // Warm, in another order, and two tenants at once.
    const backwards = prompts.toReversed()
    const both = await Promise.all(['a', 'b'].map((tenant) => scored(given, tenant, backwards)))
    for (const { logprobs } of both) expect(logprobs).toEqual(expected.toReversed())
  })
})
