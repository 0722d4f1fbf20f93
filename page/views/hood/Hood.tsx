// The view under the hood shows a session's memory, the isolate's, and how likely each token was.

import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { watchMemory } from '../../state/memory-watch.ts'
import { Isolate } from './Isolate.tsx'
import { Memory } from './Memory.tsx'
import { Tokens } from './Tokens.tsx'

const WORDS = {
  Page: 'the memory of 16 tokens, kept or dropped as one.',
  Sinks: 'the first few tokens, always in sight: without them answers fall apart.',
  Window: 'the latest tokens; memory stays small if only these are in sight.',
  Reuse: 'what begins as before is not computed again.',
}

/** Nothing is asked or drawn unless it is open: the shell mounts it then. */
export function Hood(): VNode {
  useEffect(() => watchMemory(), [])
  return (
    <div class="hood" tabIndex={0} role="group" aria-label="Memory and tokens">
      <Memory />
      <Tokens />
      <Isolate />
      <dl class="hood-words dim">
        {Object.entries(WORDS).map(([word, meaning]) => (
          <div key={word}>
            <dt>{word}:</dt> <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
