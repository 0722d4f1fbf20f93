// The engine driven by hand, without the worker around it: greedy turns, timed, with the hash of their logits. Knows no
// host: Node, a page in Chromium and a Durable Object run this same file.

import { Engine } from '../../src/engine/engine.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import { MAX_LAG, type Turn } from '../../src/engine/turn.ts'
import { sha256, type Sha256 } from '../../src/lib/sha256.ts'

/** What a host is asked to run: `repetitions` times after one warm-up, each from an empty cache. */
export type EngineJob = {
  ids: number[]
  /** Tokens after the first, so that `decode + 1` rows of logits are computed. */
  decode: number
  window: number
  sinks: number
  /** Rows of a prefill step. */
  chunk: number
  repetitions: number
  /** The build of the kernels; default: the one that the engine chooses. */
  simd?: 'quads' | 'relaxed' | 'plain'
}

export type EngineReport = {
  /** Seconds to the first token, and for the `decode` tokens after it, by repetition. */
  prefill: number[]
  decode: number[]
  /** Of the float32 rows that ids were chosen from, in order: what the worker calls logits_sha256. */
  logitsSha256: string
  ids: number[]
}

/** Runs a job on a model that was loaded for it. `now` in seconds. */
export function runJob(model: LocalModel, job: EngineJob, now: () => number): EngineReport {
  const driver = new Driver(model, now)
  const report: EngineReport = { prefill: [], decode: [], logitsSha256: '', ids: [] }
  for (let r = -1; r < job.repetitions; r++) {
    // The warm-up hashes its logits, which would take time from the others.
    const hash = r === -1 ? sha256() : undefined
    const start = now()
    const turn = driver.open(job.ids, job.decode + 1, hash)
    driver.run(turn, job.decode + 1)
    const { times } = turn
    driver.close(turn)
    if (hash !== undefined) {
      report.logitsSha256 = hash.hex()
      report.ids = turn.ids.slice(job.ids.length)
      continue
    }
    report.prefill.push(times[0] - start)
    report.decode.push(times[job.decode] - times[0])
  }
  return report
}

/** A turn with the time of each token. */
export type TimedTurn = Turn & { times: number[] }

/** Turns that rest between runs: a reader that lags is how the engine is told to leave a turn alone. */
export class Driver {
  readonly #engine: Engine
  readonly #now: () => number
  #serial = 0

  constructor(model: LocalModel, now: () => number) {
    this.#engine = new Engine(model)
    this.#now = now
  }

  /** A greedy turn with a cache of its own, resting. */
  open(ids: readonly number[], maxTokens: number, hash?: Sha256): TimedTurn {
    const times: number[] = []
    const turn = this.#engine.open({
      tenant: `turn ${this.#serial++}`,
      prompt: ids,
      maxTokens,
      choose: (logits) => {
        hash?.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
        const id = argmax(logits)
        times.push(this.#now())
        return { id, stop: false }
      },
    })
    rest(turn)
    return Object.assign(turn, { times })
  }

  /** Lets one turn produce `tokens` more. */
  run(turn: TimedTurn, tokens: number): void {
    const until = turn.produced + tokens
    while (turn.produced < until) {
      turn.taken = turn.produced
      if (this.#engine.step() === 0)
        throw this.#engine.failure ?? turn.error ?? new Error('the turn stands still')
    }
    rest(turn)
  }

  close(turn: TimedTurn): void {
    this.#engine.close(turn)
  }
}

function rest(turn: Turn): void {
  turn.taken = turn.produced - MAX_LAG
}

/** Ties go to the lower id, as in the worker. */
function argmax(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id
  return best
}
