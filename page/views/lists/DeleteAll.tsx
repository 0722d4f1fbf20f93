// The delete-all dialog says what it deletes before it does.

import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { VNode } from 'preact'
import { removeAll } from '../../state/sessions.ts'

export function DeleteAll(): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const isBusy = useSignal(false)
  const confirm = async (): Promise<void> => {
    isBusy.value = true
    await removeAll(() => Promise.resolve())
    isBusy.value = false
    dialog.current?.close()
  }
  return (
    <>
      <button class="button lists-danger" type="button" onClick={() => dialog.current?.showModal()}>
        Delete everything of mine …
      </button>
      <dialog class="panel lists-dialog" ref={dialog} aria-labelledby="delete-title">
        <div class="stack">
          <h2 id="delete-title">Delete everything?</h2>
          <p>
            At the server: all sessions of this key with their answers and their memory, also responses and
            conversations that programs with the same key began.
          </p>
          <p>It cannot be undone.</p>
          <div class="row">
            <button class="button" type="button" onClick={() => dialog.current?.close()}>
              Keep all
            </button>
            <button
              class="button lists-danger"
              type="button"
              disabled={isBusy.value}
              onClick={() => void confirm()}
            >
              Delete all
            </button>
          </div>
        </div>
      </dialog>
    </>
  )
}
