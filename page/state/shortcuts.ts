// Shortcuts are single keys that work while no field has the focus, listed for the help dialog.

import { signal } from '@preact/signals'
import { singleKeys } from './preferences.ts'

export type Shortcut = { key: string; does: string; run: () => unknown }

/** All that there are; views add theirs while they are shown. */
export const shortcuts = signal<readonly Shortcut[]>([])

/** Adds shortcuts. Returns what takes them away again, as an effect of a view wants it. */
export function addShortcuts(more: readonly Shortcut[]): () => void {
  shortcuts.value = [...shortcuts.peek(), ...more]
  return () => (shortcuts.value = shortcuts.peek().filter((one) => !more.includes(one)))
}

/** What a key press says, as far as it matters here. */
export type Press = {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  /** Whether it goes into a field. */
  typing: boolean
}

/** Runs the shortcut of a key press; false where there is none, or the key belongs to a field or the browser. */
export function runShortcut({ key, ctrlKey, metaKey, altKey, typing }: Press): boolean {
  if (!singleKeys.peek() || typing || ctrlKey || metaKey || altKey) return false
  const found = shortcuts.peek().findLast((one) => one.key === key)
  found?.run()
  return found !== undefined
}
