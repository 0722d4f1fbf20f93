// The view under the hood shows a session's memory, the isolate's, and how likely each token was.

import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { watchMemory } from '../../state/memory-watch.ts'
import { Isolate } from './Isolate.tsx'
import { Memory } from './Memory.tsx'
import { Tokens } from './Tokens.tsx'

/** Nothing is asked or drawn unless it is open: the shell mounts it then. */
export function Hood(): VNode {
  useEffect(() => watchMemory(), [])
  return (
    <div class="hood">
      <Memory />
      <Isolate />
      <Tokens />
    </div>
  )
}
