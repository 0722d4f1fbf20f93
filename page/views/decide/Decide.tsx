// The decide view is on its way.

import type { VNode } from 'preact'

export function Decide(): VNode {
  return <section class="panel" aria-label="Decide" />
}
