// A dialog is the browser's own, modal, with a heading and a button that closes it.

import { type ChildDom } from 'vanjs-core'
import { dialog, div, h2 } from '../elements.ts'
import { Tool } from './Icon.ts'

/**
 * Open as long as it is drawn. `onClose` is told when it was closed, by Escape and a click beside it too: the focus is then where
 * it was. `shell-sheet` comes up from the edge of the window.
 */
export function Dialog(
  title: string,
  onClose: () => void,
  content: (close: () => void) => ChildDom,
  kind: 'shell-sheet' | 'shell-box' = 'shell-box',
): HTMLElement {
  const close = (): void => box.close()
  const box = dialog(
    {
      class: `shell-dialog ${kind}`,
      'aria-label': title,
      onclose: onClose,
      onclick: ({ target }: Event) => target === box && close(),
    },
    div(
      { class: 'stack' },
      div({ class: 'row apart' }, h2(title), Tool('close', 'Close', close)),
      content(close),
    ),
  )
  // Once it is drawn.
  queueMicrotask(() => box.showModal())
  return box
}
