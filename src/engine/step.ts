// A step is one run of the model as data: the rows that go through it, and the turns that they belong to.

import type { LocalModel, Model, Row } from '../graph/model.ts'
import type { Part } from './scheduler.ts'
import type { Vault } from './vault.ts'

/**
 * The rules of a step. They are told here alone; the files that keep them point to this place.
 *
 * **A step publishes last.** A step is planned, the model runs it, and a commit makes it true. To run it
 * writes keys and values behind the lengths of sequences, where nobody looks. Only the commit moves lengths,
 * and only then do ids join their turns. Of a step that failed nothing exists.
 *
 * **Between plan and commit nothing moves.** Rows point to the living tables of pages, and a model that
 * answers later reads and writes these pages all the while. So until the commit
 * - nothing else is planned: `step` is 0 for other lanes, and for the step's own caller the same promise
 *   again;
 * - `open` only queues: to admit a turn takes, copies and restores pages, and may evict;
 * - `close`, `forget` and `seed` leave marks, which the commit applies. What touches no page happens at once:
 *   a turn that is closed hears nothing more, and nothing of a forgotten session is stored any more;
 * - `inherit` passes storage on, which touches no page, and its turns are closed;
 * - lanes save no pages (`isPlanned`): to gather them is a call of the model, which is busy, unless it says that
 *   its scratch is free (`stagesAnytime`): a page that is full lies before the length, where no step writes.
 *
 * **Several steps under way.** A model whose stages lie in several isolates may take a second step while the first
 * is with another of them. Their turns are different ones. To plan it takes pages that are free or that no sequence
 * sees, and never admits, restores or sends back: these wait until none is under way, and while any of them waits, or
 * a mark, no further step is planned.
 *
 * **The kill mark.** The platform may kill an object at any instruction while the isolate, and with it the
 * engine, lives on. No `finally` runs then. So a mark is set before a change and taken away after it: a call
 * that finds one set knows that turns and pages are half changed, and the engine fails. A planned step needs
 * no mark, since nothing of it is true yet.
 *
 * **A step whose caller is gone** is committed by nobody, and the engine fails as one that was killed. To
 * drop the step alone is not enough: what it asked of other isolates may still write to its pages. Its lane
 * says so when its object is made anew (`inherit`); should it never be, any lane finds out after
 * ABANDONED_MS. No lane waits for a promise of another: one whose object has ended never settles. For the
 * same reason whoever makes a model that answers later sees to it that its promise settles in less than that
 * time, well or not.
 *
 * **The caller's storage.** The platform lets an object touch its own storage alone, and only in its own
 * calls, while lanes of an isolate share one engine. So every call names its lane, and all that reads or
 * writes storage asks first (`Caller.mayTouch`): turns of all lanes run in a step, but a turn is admitted,
 * and its pages are written and restored, in a call of its own lane. A commit is a call of the step's caller,
 * also where it comes later: what follows an `await` runs for the object that awaited.
 */
export type Step = {
  readonly rows: readonly Row[]
  readonly parts: readonly Part[]
  /** Storage of the lane that planned it. */
  readonly caller: Vault | undefined
}

/** A step that is older, milliseconds, and not committed belonged to an object that is gone. */
export const ABANDONED_MS = 30_000

/** Rows run; a promise of them only with a model that may answer later. */
export type Ran<M extends Model> = M extends LocalModel ? number : number | Promise<number>

/** The rows of a part. Their pages must exist; the last of them yield what the turn asks for. */
export function rowsOf({ turn, count, logits }: Part): Row[] {
  const { sequence } = turn
  if (sequence === undefined) throw new Error('a running turn has no sequence')
  const { length, pages, shape } = sequence
  return Array.from({ length: count }, (_, i) => ({
    id: turn.ids[length + i],
    position: length + i,
    pages,
    yields: i < count - logits ? 'nothing' : turn.yields,
    shape,
  }))
}
