// A row of the history opens its conversation, names it or deletes it.

import { useSignal, type Signal } from '@preact/signals'
import { type Chat } from '../../state/chat.ts'
import { type Conversation } from '../../state/tree.ts'
import { Button, Form } from '../shell/controls.tsx'

/** Pixels of a row, which the style sheet says too. */
export const ROW = 44

type RowProps = {
  chat: Chat
  conversation: Conversation
  excerpt: string | undefined
  at: number
  of: number
  isActive: boolean
  onFocus: () => void
  close: () => void
  told: Signal<string>
}

export function Row({ chat, conversation, excerpt, at, of, isActive, onFocus, close, told }: RowProps) {
  const isRenamed = useSignal(false)
  const { id } = conversation
  const isShown = chat.shown.value.tree.conversation.id === id
  const tabIndex = isActive ? 0 : -1
  const title = conversation.title || 'New chat'

  function rename(): void {
    isRenamed.value = true
  }

  function remove(): void {
    if (!confirm(`Delete “${title}” for good?`)) return
    told.value = `Deleted: ${title}`
    void chat.remove(id)
    document.querySelector<HTMLElement>('[type=search]')?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (isRenamed.value) {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      isRenamed.value = false
    } else if (event.key === 'F2') rename()
    else if (event.key === 'Delete') remove()
  }

  const tool = (what: string, key: string, mark: string, run: () => void) => (
    <Button
      kind="quiet chat-row-button"
      tabIndex={tabIndex}
      aria-label={`${what} ${title}`}
      title={`${what} (${key})`}
      onClick={run}
    >
      {mark}
    </Button>
  )
  return (
    <li
      class={`chat-row ${isShown ? 'chat-current' : ''}`}
      style={{ top: `${at * ROW}px` }}
      data-row={at}
      aria-posinset={at + 1}
      aria-setsize={of}
      onFocusIn={onFocus}
      onKeyDown={onKeyDown}
    >
      {isRenamed.value ? (
        <Form
          class="chat-rename"
          send={(form) => {
            isRenamed.value = false
            void chat.rename(id, (form.elements[0] as HTMLInputElement).value)
          }}
        >
          <input
            class="input"
            aria-label="Title"
            defaultValue={title}
            ref={(input) => input?.select()}
            maxLength={200}
          />
          <Button type="submit">Save</Button>
        </Form>
      ) : (
        <>
          <button
            class="chat-open-row"
            tabIndex={tabIndex}
            aria-current={isShown}
            title={excerpt ?? title}
            onClick={() => {
              void chat.open(id)
              close()
            }}
          >
            <span>{title}</span>
            {excerpt && <span class="dim">{excerpt}</span>}
          </button>
          {tool('Rename', 'F2', '✎', rename)}
          {tool('Delete', 'Del', '✕', remove)}
        </>
      )}
    </li>
  )
}
