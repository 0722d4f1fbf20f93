// The extract view is on its way.

import type { VNode } from 'preact'

export function Extract(): VNode {
  return <section class="panel" aria-label="Extract" />
}
