// An icon is a few strokes of SVG in the colour of the text beside it; what it means is said by its button.

import van, { type Props } from 'vanjs-core'
import { Button } from './controls.ts'

const { path, svg } = van.tags('http://www.w3.org/2000/svg')

const PATHS = {
  settings: 'M3 6h9m4 0h1M3 14h1m4 0h9M14 4v4M6 12v4',
  theme: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14v14',
  help: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M8 8a2 2 0 1 1 2 2.5v1m0 2v.1',
  close: 'M5 5l10 10M15 5L5 15',
  up: 'M5 12.5l5-5 5 5',
}

export function Icon(name: keyof typeof PATHS): Element {
  const shape = { class: 'shell-icon', viewBox: '0 0 20 20', width: 20, height: 20, 'aria-hidden': 'true' }
  return svg(shape, path({ d: PATHS[name] }))
}

/** A square button with an icon alone; its label is shown when it is pointed at. */
export function Tool(
  icon: keyof typeof PATHS,
  label: string | (() => string),
  onclick: () => void,
  more: Props = {},
): HTMLElement {
  return Button(Icon(icon), onclick, 'quiet shell-square', { 'aria-label': label, title: label, ...more })
}
