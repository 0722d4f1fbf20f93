// An embed run pulls texts through the engine as turns that hear hidden states, and pools these to vectors.

import type { ModelText } from '../answer/model-text.ts'
import { base64Of, Pool } from '../answer/pool.ts'
import { prepareSliced, type PromptLimits } from '../answer/prepare-prompt.ts'
import { MAX_SCORE_ROWS } from '../answer/score-prompts.ts'
import { outOfSight } from '../cache/window.ts'
import type { Turn } from '../engine/turn.ts'
import { IsletError } from '../lib/errors.ts'
import { Budget, inTurns, type Sliced } from '../lib/sliced.ts'
import { DEFAULT_SAMPLING, type GenerationEvent } from '../protocol/generation.ts'
import type { EmbedRequest } from '../protocol/scores.ts'
import type { Manifest, Pooling } from '../weights/manifest.ts'
import { checkModel } from './follow-turn.ts'
import { LOGIT_ROWS } from './memory-plan.ts'
import { PROGRESS_MS } from './turn-host.ts'
import { onEngines, openedTurn, stepOnce, type UnkeptHost, type UnkeptRun } from './unkept-run.ts'

type EmbedRun = UnkeptRun & { pooling: Pooling; cached: number }

/**
 * Events of an embed request: `progress`, an `embedding` of each text as it is done, then `scores` without any. The same
 * bits come alone, in a batch, cold and warm. Throws IsletError; to stop, abort the signal or `return()`.
 */
export async function* embed(
  request: EmbedRequest,
  parts: UnkeptHost,
): AsyncGenerator<GenerationEvent, void> {
  const { host, signal } = parts
  const text = await host.text()
  checkModel(request, text)
  const pooling = poolingOf(text.manifest)
  const work = idsSliced(request.texts, text, host.limits(text))
  const texts = await inTurns(work, () => host.clock.wait(0), signal)
  if (texts === undefined) return
  yield* onEngines(parts, async function* (loaded) {
    const run = { ...parts, record: { request }, text, loaded, pooling, cached: 0 }
    yield* embedAll(texts, run)
    if (signal.aborted) return
    const { window, sinks } = loaded.model.window
    const longest = Math.max(...texts.map(({ length }) => length))
    yield {
      type: 'scores',
      logprobs: [],
      promptTokens: texts.reduce((sum, { length }) => sum + length, 0),
      cachedTokens: run.cached,
      window: { window, sinks, outOfSight: outOfSight(longest - 1, loaded.model.window) },
    }
  })
}

/** Throws unsupported_value for a model whose vectors would mean nothing. */
function poolingOf({ id, embedding }: Manifest): Pooling {
  if (embedding !== undefined) return embedding.pooling
  throw new IsletError(
    'unsupported_value',
    `${id} declares no pooling: nobody has shown that its vectors are worth anything. Where they are, pack it with \`islet pack --pooling mean\` (or mean_without_first, last)`,
    { param: 'model' },
  )
}

/** The ids of each text. Throws invalid_request for more than MAX_SCORE_ROWS, and what prepareSliced throws. */
function* idsSliced(texts: readonly string[], text: ModelText, limits: PromptLimits): Sliced<number[][]> {
  const budget = new Budget()
  const all: number[][] = []
  let rows = 0
  for (const each of texts) {
    const asked = { prompt: { kind: 'text' as const, text: each }, maxTokens: 1, stop: [] }
    const { ids } = yield* prepareSliced({ ...asked, sampling: DEFAULT_SAMPLING }, text, limits, budget)
    rows += ids.length
    if (rows > MAX_SCORE_ROWS)
      throw new IsletError(
        'invalid_request',
        `these texts have more than ${MAX_SCORE_ROWS} tokens: send fewer at once`,
        { param: 'prompt' },
      )
    all.push(ids)
  }
  return all
}

/** Runs texts a few at a time. */
async function* embedAll(texts: readonly number[][], run: EmbedRun): AsyncGenerator<GenerationEvent> {
  const { loaded, signal, host } = run
  let open: { index: number; turn: Turn; pool: Pool }[] = []
  let [next, shownAt] = [0, host.clock.now()]
  try {
    while (next < texts.length || open.length > 0) {
      while (next < texts.length && open.length < LOGIT_ROWS) {
        const pool = new Pool(run.pooling, loaded.model.spec.hidden)
        const turn = opened(texts[next], pool, run)
        if (turn === undefined) break
        open.push({ index: next++, turn, pool })
      }
      await stepOnce(run, 'send fewer texts at once')
      if (signal.aborted) return
      for (const { turn } of open) if (turn.state === 'failed') throw turn.error
      const done = open.filter(({ turn }) => turn.state === 'done')
      open = open.filter(({ turn }) => turn.state !== 'done')
      for (const { index, turn, pool } of done) {
        run.cached += turn.cachedTokens ?? 0
        yield { type: 'embedding', index, vector: base64Of(pool.vector()) }
      }
      if (host.clock.now() - shownAt < PROGRESS_MS) continue
      shownAt = host.clock.now()
      yield { type: 'progress', state: 'prefill', done: next, total: texts.length }
    }
  } finally {
    for (const { turn } of open) loaded.engine.close(turn)
  }
}

/** The turn of a text; undefined while the engine's own queue is full. Of a mean every row counts, so none is reused. */
function opened(ids: readonly number[], pool: Pool, run: EmbedRun): Turn | undefined {
  const hear = (state: Float32Array, position: number): void => pool.add(state, position - 1)
  return openedTurn(run, {
    tenant: run.record.request.tenant,
    prompt: ids,
    maxTokens: 1,
    yields: 'hidden',
    choose: (state, position) => {
      hear(state, position)
      return { id: ids[0], stop: true }
    },
    ...(run.pooling !== 'last' && { score: hear }),
  })
}
