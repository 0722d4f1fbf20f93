// The copyas view is on its way.

import type { VNode } from 'preact'

export function CopyAs(): VNode {
  return <section class="panel" aria-label="CopyAs" />
}
