// The view under the hood shows a session's memory, the isolate's, and how likely each token was.

import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { watchMemory } from '../../state/memory-watch.ts'
import { Isolate } from './Isolate.tsx'
import { Memory } from './Memory.tsx'
import { Tokens } from './Tokens.tsx'

const WORDS = [
  ['Page', 'what the model remembers of 16 tokens, kept or dropped as one.'],
  ['Sinks', 'the first few tokens, which always stay in sight: without them answers fall apart.'],
  ['Window', 'the latest tokens; looking at these alone keeps memory small however long the talk gets.'],
  ['Reuse', 'a request that begins as an earlier one did takes its pages instead of reading it again.'],
] as const

/** Nothing is asked or drawn unless it is open: the shell mounts it then. */
export function Hood(): VNode {
  useEffect(() => watchMemory(), [])
  return (
    <div class="hood" tabIndex={0} role="group" aria-label="Memory and tokens">
      <Memory />
      <Tokens />
      <Isolate />
      <dl class="hood-words">
        {WORDS.map(([word, meaning]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
