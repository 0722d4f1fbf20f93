// Preferences are what the page remembers of a person's choices, in this browser alone.

import van, { type State } from 'vanjs-core'

export type Theme = 'system' | 'light' | 'dark'
export type Tab = 'chat' | 'extract' | 'decide'

export const THEMES: readonly Theme[] = ['system', 'light', 'dark']
export const TABS: readonly Tab[] = ['chat', 'extract', 'decide']

export const theme = remembered<Theme>('theme', 'system', oneOf(THEMES))
export const tab = remembered<Tab>('tab', 'chat', oneOf(TABS))
const yesOrNo = (value: unknown): boolean => typeof value === 'boolean'

export const hoodOpen = remembered('hood', false, yesOrNo)
/** Whether settings stand beside the view, where there is room for it. */
export const panelOpen = remembered('panel', true, yesOrNo)
/** Sections of the panel that are open, by their names. */
export const sections = remembered<readonly string[]>('sections', ['prompt'], Array.isArray)
/** Whether single keys work outside fields: whoever dictates or has tremor may not want that. */
export const singleKeys = remembered('keys', true, yesOrNo)

/**
 * A signal that outlives the page: it starts as what was stored under `name`, where that passes `valid`. Where a browser
 * forbids storage it is as any other.
 */
export function remembered<T>(name: string, usual: T, valid: (value: unknown) => boolean): State<T> {
  const key = `islet.${name}`
  const stored = attempt(() => JSON.parse(localStorage.getItem(key) ?? 'null') as unknown)
  const made = van.state(valid(stored) ? (stored as T) : usual)
  van.derive(() => {
    const { val: value } = made
    attempt(() => {
      if (value === usual) localStorage.removeItem(key)
      else localStorage.setItem(key, JSON.stringify(value))
    })
  })
  return made
}

function oneOf(list: readonly unknown[]): (value: unknown) => boolean {
  return (value) => list.includes(value)
}

/** Nothing is remembered where that is forbidden. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
