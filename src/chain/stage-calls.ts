// Stage calls are answered by a stage and the run store of its object, each at once, in their order.

import { runId } from '../cache/chain.ts'
import type { Stage } from '../graph/stage.ts'
import { discard } from '../lib/byte-reader.ts'
import { joined, pagesOf, rowsOf, YIELDS, type PageOp, type StageCall, type StageReply } from './messages.ts'
import type { RunStore } from './run-store.ts'

/** Of a call that computes. */
type Computed = Omit<StageReply, 'ms' | 'error'>

/** Answers one call. Throws RangeError for one that is not for this stage. */
export function answerCall(call: StageCall, stage: Stage, runs: RunStore): Computed {
  if (call.do === 'spin') return spun(call.ms)
  if (call.do === 'embed') return { stream: stage.embed([...call.ids]) }
  if (call.do === 'conclude') return concluded(call, stage)
  const missing = call.ops.flatMap((op) => doOp(op, stage, runs))
  if (missing.length > 0) return { missing }
  if (call.do === 'pages') return {}
  const stream = stage.run(rowsOf(call.rows), call.stream).stream()
  discard(call.stream.buffer)
  return { stream }
}

/** Gives the id of the run that was to be restored and could not be. */
function doOp(op: PageOp, { pages, staging }: Stage, runs: RunStore): number[] {
  if (op.do === 'copy') pages.copy(op.to, op.from)
  else if (op.do === 'drop') runs.drop(op.runs)
  else if (op.do === 'save') runs.save(staging, op.names, [...op.pages])
  else if (!runs.restore(staging, op.names, pagesOf(op.pages))) return [runId(op.names[0])]
  return []
}

function concluded({ yields, stream }: Extract<StageCall, { do: 'conclude' }>, stage: Stage): Computed {
  const wanted = Array.from(yields, (place) => YIELDS[place])
  const outputs = stage.conclude(wanted, stream)
  const all = (what: 'logits' | 'hidden'): Float32Array =>
    joined(wanted.filter((each) => each === what).map((_, i) => outputs[what](i)))
  return { logits: all('logits'), hidden: all('hidden') }
}

/** Turns of the loop, where the host's clock stands still while code computes. */
const MOST_SPINS = 1e6

function spun(ms: number): Computed {
  const began = performance.now()
  for (let spins = 0; spins < MOST_SPINS && performance.now() - began < ms; spins++);
  return {}
}
