// This module repeats work whenever a state that it read changes, until it is ended.

import van from 'vanjs-core'

/** Does `work` at once and again. Returns what ends it, which VanJS knows only of what belongs to an element. */
export function whenever(work: () => void): () => void {
  let isOver = false
  van.derive(() => {
    // What reads nothing is not called again.
    if (!isOver) work()
  })
  return () => (isOver = true)
}
