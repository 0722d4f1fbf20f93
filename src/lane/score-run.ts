// A score run pulls continuations through the engine as turns that hear logits and sample nothing.

import { scoredIdsSliced, type ScoredIds } from '../answer/score-prompts.ts'
import { outOfSight } from '../cache/window.ts'
import { scoreTree, type ScoreNode } from '../engine/score-tree.ts'
import type { Turn } from '../engine/turn.ts'
import { IsletError } from '../lib/errors.ts'
import { inTurns } from '../lib/sliced.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { ScoreRequest } from '../protocol/scores.ts'
import { logSumExp } from '../sampling/logprobs.ts'
import { checkModel } from './follow-turn.ts'
import { type KeptScores, scoresName } from './kept-scores.ts'
import { LOGIT_ROWS } from './memory-plan.ts'
import { PROGRESS_MS } from './turn-host.ts'
import { onEngines, openedTurn, stepOnce, type UnkeptHost, type UnkeptRun } from './unkept-run.ts'

/** What a score run needs of its lane. */
export type ScoreHost = UnkeptHost & { kept: KeptScores }

type ScoreRun = ScoreHost & UnkeptRun & { record: { request: ScoreRequest } }

type Tally = { promptTokens: number; cachedTokens: number; longest: number }

/**
 * Events of a score request: `progress`, then `scores`. Each prompt is run once, what it shares with others is reused as
 * between chats, and its continuations run beside each other as turns of the tenant. The same bits come alone, in a batch,
 * cold and warm. Throws IsletError; to stop, abort the signal or `return()`.
 */
export async function* score(request: ScoreRequest, parts: ScoreHost): AsyncGenerator<GenerationEvent, void> {
  const { host, signal } = parts
  const text = await host.text()
  checkModel(request, text)
  const work = scoredIdsSliced(request.prompts, text, host.limits(text))
  const scored = await inTurns(work, () => host.clock.wait(0), signal)
  if (scored === undefined) return
  yield* onEngines(parts, (loaded) => scoreAll(scored, { ...parts, record: { request }, text, loaded }))
}

async function* scoreAll(scored: readonly ScoredIds[], run: ScoreRun): AsyncGenerator<GenerationEvent> {
  const { model } = run.loaded
  const tally: Tally = { promptTokens: 0, cachedTokens: 0, longest: 0 }
  const logprobs: number[][][] = []
  for (const asked of scored) {
    const scores = yield* scorePrompt(asked, run, tally)
    if (scores === undefined) return
    logprobs.push(scores)
  }
  const { promptTokens, cachedTokens, longest } = tally
  const { window, sinks } = model.window
  yield {
    type: 'scores',
    logprobs,
    promptTokens,
    cachedTokens,
    window: { window, sinks, outOfSight: outOfSight(Math.max(0, longest - 2), model.window) },
  }
}

/** Scores of one prompt's continuations; undefined after an abort. */
async function* scorePrompt(
  asked: ScoredIds,
  run: ScoreRun,
  tally: Tally,
): AsyncGenerator<GenerationEvent, number[][] | undefined> {
  const { record, text, loaded, kept } = run
  const { prompt, continuations, keep } = asked
  const longest = prompt.length + Math.max(...continuations.map(({ length }) => length))
  checkRoom(longest, loaded.engine.maxPositions)
  tally.promptTokens += prompt.length
  tally.longest = Math.max(tally.longest, longest)
  const facts = [record.request.tenant, text.manifest.hash, text.manifest.spec, loaded.model.window]
  const name = keep ? scoresName(facts, asked) : undefined
  const known = name === undefined ? undefined : kept.get(name)
  if (known !== undefined) {
    tally.cachedTokens += prompt.length
    return known
  }
  const scores = continuations.map((ids) => ids.map(() => NaN))
  const cached = yield* runTree(asked, scores, run)
  if (cached === undefined) return undefined
  tally.cachedTokens += cached
  if (name !== undefined) kept.set(name, scores)
  return scores
}

/** The last token of a continuation is not run, but would be the next row of its sequence. */
function checkRoom(positions: number, most: number): void {
  if (positions <= most) return
  throw new IsletError(
    'context_length_exceeded',
    `a prompt with a text to be scored has ${positions} tokens and this model takes ${most}: shorten them`,
    { param: 'continuations' },
  )
}

/**
 * Runs a prompt and then its continuations, a few at a time. Gives the ids of the prompt that were reused; undefined after
 * an abort.
 */
async function* runTree(
  asked: ScoredIds,
  scores: number[][],
  run: ScoreRun,
): AsyncGenerator<GenerationEvent, number | undefined> {
  const { loaded, signal, host } = run
  const waiting = [scoreTree(asked.continuations)]
  let open: { node: ScoreNode; turn: Turn }[] = []
  let cached: number | undefined
  let shownAt = host.clock.now()
  try {
    while (waiting.length > 0 || open.length > 0) {
      while (waiting.length > 0 && open.length < LOGIT_ROWS) {
        const turn = opened(waiting[0], asked, scores, run)
        if (turn === undefined) break
        open.push({ node: waiting[0], turn })
        waiting.shift()
      }
      await stepOnce(run, 'send fewer questions or candidates at once')
      if (signal.aborted) return undefined
      for (const { turn } of open) if (turn.state === 'failed') throw turn.error
      cached ??= open[0]?.turn.cachedTokens
      const done = open.filter(({ turn }) => turn.state === 'done')
      open = open.filter(({ turn }) => turn.state !== 'done')
      // Before all others: a node goes on with the sequence that its parent has just left.
      waiting.unshift(...done.flatMap(({ node }) => node.children))
      if (host.clock.now() - shownAt < PROGRESS_MS) continue
      shownAt = host.clock.now()
      yield { type: 'progress', state: 'prefill', done: 0, total: asked.prompt.length }
    }
    return cached ?? 0
  } finally {
    for (const { turn } of open) loaded.engine.close(turn)
  }
}

/** The turn of a node; undefined while the engine's own queue is full. */
function opened(node: ScoreNode, asked: ScoredIds, scores: number[][], run: ScoreRun): Turn | undefined {
  const { prompt } = asked
  const { record } = run
  const hear = (logits: Float32Array, position: number): void => {
    const wants = node.wants.get(position - prompt.length)
    if (wants === undefined) return
    const offset = logSumExp(logits)
    for (const { id, continuation, place } of wants) scores[continuation][place] = logits[id] - offset
  }
  return openedTurn(run, {
    tenant: record.request.tenant,
    prompt,
    generated: node.path,
    maxTokens: node.path.length + 1,
    // The turn ends with the logits of its last row: the id that it then has is never run.
    choose: (logits, position) => {
      hear(logits, position)
      return { id: prompt[0], stop: true }
    },
    ...(node.path.length > 0 && { score: hear, scoreFrom: prompt.length + node.from }),
  })
}
