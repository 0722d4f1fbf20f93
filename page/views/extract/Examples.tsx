// The examples are a list to begin with; taking one fills the view in.

import type { VNode } from 'preact'

export function Examples<T extends { title: string }>({
  list,
  onTake,
}: {
  list: readonly T[]
  onTake: (example: T) => void
}): VNode {
  return (
    <label class="extract-examples">
      <span class="dim">Begin with</span>
      <select
        class="input"
        onChange={(event) => {
          const taken = list[event.currentTarget.selectedIndex]
          if (taken !== undefined) onTake(taken)
        }}
      >
        {list.map(({ title }) => (
          <option key={title}>{title}</option>
        ))}
      </select>
    </label>
  )
}
