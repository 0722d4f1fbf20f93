// The delete-all dialog says what it deletes before it does.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { removeAll } from '../../state/sessions.ts'
import { forgetChats } from '../chat/Chat.tsx'
import { Dialog } from '../shell/Dialog.tsx'

export function DeleteAll(): VNode {
  const isOpen = useSignal(false)
  const close = (): void => void (isOpen.value = false)
  return (
    <>
      <button class="button lists-danger" onClick={() => (isOpen.value = true)}>
        Delete everything of mine
      </button>
      {isOpen.value && (
        <Dialog title="Delete everything?" onClose={close}>
          <p>
            At the server: all sessions of this key, also responses and conversations of programs with the
            same key. In this browser: all chats, of whatever server. It cannot be undone.
          </p>
          <div class="row">
            <button class="button" onClick={close}>
              Keep all
            </button>
            <button class="button lists-danger" onClick={() => void removeAll(forgetChats).then(close)}>
              Delete all
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
