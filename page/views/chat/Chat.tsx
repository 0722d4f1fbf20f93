// The chat view is on its way.

import type { VNode } from 'preact'

export function Chat(): VNode {
  return <section class="panel" aria-label="Chat" />
}
