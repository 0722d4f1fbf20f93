// A dialog is the browser's own, modal, with a heading and a button that closes it.

import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Tool } from './Icon.tsx'

type Props = {
  title: string
  /** `shell-sheet` comes up from the edge of the window. */
  kind?: 'shell-sheet' | 'shell-box'
  onClose: () => void
  children: ComponentChildren
}

/** Open as long as it is drawn; Escape and a click beside it ask to close it, and the focus goes back to where it was. */
export function Dialog({ title, kind = 'shell-box', onClose, children }: Props): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const current = dialog.current!
    current.showModal()
    return () => current.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class={`shell-dialog ${kind}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose()
      }}
    >
      <div class="shell-dialog-body stack">
        <div class="row shell-dialog-head">
          <h2>{title}</h2>
          <Tool icon="close" label="Close" onClick={onClose} />
        </div>
        {children}
      </div>
    </dialog>
  )
}
