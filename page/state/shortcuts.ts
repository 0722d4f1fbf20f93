// Shortcuts are single keys that work while no field has the focus, listed for the help dialog.

import { singleKeys, tab, type Tab } from './preferences.ts'

/** `on`: the tab that it belongs to, if it is not there always. */
export type Shortcut = { key: string; does: string; run: () => unknown; on?: Tab }

const all: Shortcut[] = []

/** Those that there are on the shown tab. */
export function shortcuts(): Shortcut[] {
  return all.filter(({ on = tab.rawVal }) => on === tab.rawVal)
}

/** Adds shortcuts, once for all. */
export function addShortcuts(more: readonly Shortcut[]): void {
  all.push(...more)
}

/** What a key press says, as far as it matters here. */
export type Press = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>

/** Runs the shortcut of a key press outside of fields; false where there is none, or the key belongs to the browser. */
export function runShortcut(press: Press): boolean {
  if (!singleKeys.rawVal || press.ctrlKey || press.metaKey || press.altKey) return false
  const found = shortcuts().find(({ key }) => key === press.key)
  found?.run()
  return found !== undefined
}
