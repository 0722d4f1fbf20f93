// The lists view is on its way.

import type { VNode } from 'preact'

export function Lists(): VNode {
  return <section class="panel" aria-label="Lists" />
}
