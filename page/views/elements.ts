// This module has the elements that views are made of, and the ways in which they follow states.
// VanJS calls a function among children or attributes again when a state changes that it read. So a view reads states in such
// functions: what it reads outside of them draws the whole of it anew.

import van, { type ChildDom, type State } from 'vanjs-core'

export const {
  a,
  article,
  aside,
  b,
  button,
  canvas,
  code,
  dd,
  details,
  dialog,
  div,
  dl,
  dt,
  fieldset,
  form,
  h1,
  h2,
  h3,
  header,
  i,
  input,
  kbd,
  label,
  legend,
  li,
  main,
  mark,
  ol,
  option,
  p,
  pre,
  progress,
  section,
  select,
  span,
  strong,
  summary,
  table,
  tbody,
  td,
  textarea,
  th,
  thead,
  tr,
  ul,
} = van.tags

/** An empty text draws nothing, until what was read for it changes. */
type Drawn = Element | ''

/** An event of an element that listens to it itself. */
export type On<E extends Element = HTMLInputElement> = Event & { currentTarget: E }

/** Draws a view as long as something holds, and another one, or nothing, while it does not. */
export function when(holds: () => unknown, view: () => Drawn, otherwise: () => Drawn = () => ''): ChildDom {
  const isSo = van.derive(() => Boolean(holds()))
  return (() => (isSo.val ? view() : otherwise())) as ChildDom
}

/** What a field has so that it and a state say the same. */
export function bound(text: State<string>): { value: State<string>; oninput: (event: On) => void } {
  return { value: text, oninput: ({ currentTarget }) => void (text.val = currentTarget.value) }
}

/** Gives the focus to the first element that a selector finds. */
export function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus()
}

/** Where a key leads to, if it is one of `steps`: the browser then does nothing else with it. */
export function stepOf(event: KeyboardEvent, steps: Partial<Record<string, number>>): number | undefined {
  const step = steps[event.key]
  if (step !== undefined) event.preventDefault()
  return step
}

/** Keeps the children of an element those of a list: each item's element stays as long as the item's key. */
export function listed<E extends Element, T>(
  parent: E,
  items: () => readonly T[],
  keyOf: (item: T, at: number) => unknown,
  view: (item: State<T>, at: number) => Element,
): E {
  const kept = new Map<unknown, { item: State<T>; element: Element }>()
  function entryOf(item: T, at: number): { item: State<T>; element: Element } {
    const entry = { item: van.state(item), element: parent as Element }
    // So that what it reads and derives is its own, and goes with it.
    van.hydrate<Node>(new Text(), () => (entry.element = view(entry.item, at)))
    return entry
  }
  van.derive(() => {
    const list = items()
    const keys = list.map(keyOf)
    const wanted = new Set(keys)
    for (const [key, { element }] of kept) {
      if (wanted.has(key)) continue
      element.remove()
      kept.delete(key)
    }
    for (const [at, item] of list.entries()) {
      const entry = kept.get(keys[at]) ?? entryOf(item, at)
      kept.set(keys[at], entry)
      entry.item.val = item
      const there = parent.children[at] as Element | undefined
      if (there !== entry.element) parent.insertBefore(entry.element, there ?? null)
    }
  })
  return parent
}
