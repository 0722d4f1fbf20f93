// The hood view is on its way.

import type { VNode } from 'preact'

export function Hood(): VNode {
  return <section class="panel" aria-label="Hood" />
}
