// Constrained sampling takes only ids that a constraint allows: it draws again, and needs no mask.
//
// To draw, drop what does not fit and draw again is successive sampling without replacement: the first that fits is
// distributed as the softmax over what the rules left, restricted to what fits. So most tokens cost one check, and a
// constraint that forbids nothing changes no id. Only where nothing that is left fits do the rules begin again, over
// all that fits.

import type { Verdict } from '../grammar/matcher.ts'
import { IsletError } from '../lib/errors.ts'
import type { Scratch } from './candidates.ts'
import { narrow, narrowSome, pick, total, type Draw, type Drawn } from './draw.ts'
import { uniform } from './random.ts'

export type Constraint = {
  /** Whether `id` may stand at the next place. */
  verdict(id: number): Verdict
  /** The same, made ready to be asked of a whole vocabulary at this one place. */
  pass(): (id: number) => Verdict
}

/** `isLate`: an id was passed over because the limit of tokens left no room for an end behind it. */
export type Constrained = { id: number; isLate: boolean }

/** So many draws, then each candidate is looked at. */
const MOST_DRAWS = 8

/** The best score that fits, the lower id among equals; `best` is the best of all. Throws engine_failure where none fits. */
export function bestThatFits(constraint: Constraint, scores: Float32Array, best: number): Constrained {
  const first = constraint.verdict(best)
  if (first === 'fits') return { id: best, isLate: false }
  const check = constraint.pass()
  let id = -1
  let score = -Infinity
  let late = first === 'late' ? scores[best] : -Infinity
  for (let other = 0; other < scores.length; other++) {
    if (!(scores[other] > score)) continue
    const verdict = check(other)
    if (verdict === 'late') late = Math.max(late, scores[other])
    if (verdict !== 'fits') continue
    id = other
    score = scores[other]
  }
  if (id < 0) throw nothingFits()
  return { id, isLate: late > score }
}

/**
 * Draws as without a constraint, with the same random number; what does not fit loses its weight, and the next draw has
 * the next number. `best` is the largest score. Throws engine_failure where no id fits.
 */
export function drawThatFits(
  constraint: Constraint,
  scratch: Scratch,
  scores: Float32Array,
  best: number,
  draw: Draw,
): Constrained {
  const { ids, weights } = scratch
  const { options, position } = draw
  const { seed } = options
  const drawn = narrow(scratch, scores, best, draw)
  // What an id had of the whole counts for Mirostat, whatever has been dropped since.
  const whole = drawn.sum
  let isLate = false
  let draws = 0
  for (; draws < MOST_DRAWS && drawn.sum > 0; draws++) {
    const at = pick(scratch, drawn, uniform(seed, position, draws))
    const verdict = constraint.verdict(ids[at])
    if (verdict === 'fits') {
      draw.share = weights[at] / whole
      return { id: ids[at], isLate }
    }
    if (verdict === 'late') isLate = true
    weights[at] = 0
    drawn.sum = total(weights, drawn.count)
  }
  const check = constraint.pass()
  for (let i = 0; i < drawn.count; i++) {
    if (weights[i] === 0) continue
    const verdict = check(ids[i])
    if (verdict === 'late') isLate = true
    if (verdict !== 'fits') weights[i] = 0
  }
  drawn.sum = total(weights, drawn.count)
  const goesOn = drawn.sum > 0
  const rest = goesOn ? drawn : fromAllThatFit(check, scratch, scores, draw)
  const at = pick(scratch, rest, uniform(seed, position, draws))
  draw.share = weights[at] / (goesOn ? whole : rest.sum)
  return { id: ids[at], isLate }
}

/** The rules over what fits, as if there were no other ids. */
function fromAllThatFit(
  check: (id: number) => Verdict,
  scratch: Scratch,
  scores: Float32Array,
  draw: Draw,
): Drawn {
  const { ids } = scratch
  let count = 0
  let best = -Infinity
  for (let id = 0; id < scores.length; id++) {
    if (scores[id] === -Infinity || check(id) !== 'fits') continue
    ids[count++] = id
    best = Math.max(best, scores[id])
  }
  if (count === 0) throw nothingFits()
  return narrowSome(scratch, count, scores, best, draw)
}

function nothingFits(): IsletError {
  return new IsletError('engine_failure', 'no token of the vocabulary fits here: the answer cannot go on')
}
