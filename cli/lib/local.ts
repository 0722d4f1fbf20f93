// A local model runs in this process, by the code of a lane without the Durable Object around it.

import type { WindowOptions } from '../../src/cache/window.ts'
import { type GenerateRequest, type GenerationEvent } from '../../src/protocol/generation.ts'
import { PLAIN_REQUEST } from '../../src/protocol/plain-request.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { loadPrefix } from '../../src/graph/prefix-pages.ts'
import { follow, prepare } from '../../src/lane/follow-turn.ts'
import { Isolate, type Loader } from '../../src/lane/isolate.ts'
import { KeptScores } from '../../src/lane/kept-scores.ts'
import { score } from '../../src/lane/score-run.ts'
import type { ScoreRequest } from '../../src/protocol/scores.ts'
import { unstored } from '../../src/storage/turn-record.ts'
import { TurnHost } from '../../src/lane/turn-host.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { nodeKernels } from './kernels.ts'
import { localKv } from './kv.ts'
import { openTextModel } from './model.ts'

export type Local = {
  id: string
  generate(
    request: Partial<GenerateRequest> & Pick<GenerateRequest, 'prompt'>,
  ): AsyncGenerator<GenerationEvent>
  /** The scores of prompts' continuations, as a lane's score call gives them. */
  score(prompts: ScoreRequest['prompts']): AsyncGenerator<GenerationEvent>
}

const CHUNK = 64

const clock = {
  now: () => performance.now(),
  wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
}

/**
 * Opens MODEL for generating. Throws model_not_found, or unsupported_format where it has no tokenizer we
 * read.
 */
export async function openLocal(name: string, window: WindowOptions): Promise<Local> {
  const { manifest, source, tokenizerBytes } = await openTextModel(name, {})
  const text = { manifest, tokenizer: readTokenizer(tokenizerBytes) }
  const loader: Loader = {
    clock,
    readText: () => Promise.resolve(text),
    readModel: (_, onProgress) =>
      loadModel(manifest, source, {
        window,
        chunk: CHUNK,
        kv: localKv(manifest),
        kernels: nodeKernels(),
        onProgress,
      }),
    readPrefix: (_, model) => loadPrefix(manifest, source, model).catch(() => undefined),
  }
  const isolate = new Isolate()
  await isolate.begin(loader)
  if (isolate.failure !== undefined) throw isolate.failure
  const { context } = manifest.spec
  const host = new TurnHost({
    isolate,
    loader,
    limits: () =>
      window.window === undefined
        ? { maxPrompt: context, maxPositions: context }
        : { maxPrompt: 32768, maxPositions: Infinity },
  })
  const defaults: Omit<GenerateRequest, 'prompt'> = {
    ...PLAIN_REQUEST,
    requestId: 'cli',
    tenant: 'cli',
    sessionKey: 'cli',
    model: manifest.id,
    maxTokens: undefined,
    store: false,
    reply: null,
  }
  const kept = new KeptScores()
  return {
    id: manifest.id,
    score(prompts) {
      const { requestId, tenant, sessionKey, model } = defaults
      const { signal } = new AbortController()
      return score({ requestId, tenant, sessionKey, model, prompts }, { host, kept, signal })
    },
    async *generate(changes) {
      const request = { ...defaults, ...changes }
      const { signal } = new AbortController()
      const prepared = await prepare(request, host, signal)
      if (prepared === undefined) return
      yield* follow(unstored(request, prepared.prompt, prepared.echo, prepared.more), text, host, signal)
    },
  }
}
