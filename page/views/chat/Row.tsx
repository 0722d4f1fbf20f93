// A row of the history opens its conversation, names it or deletes it.

import { useSignal, type Signal } from '@preact/signals'
import { type Chat } from '../../state/chat.ts'
import { type Conversation } from '../../state/tree.ts'

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
  const mode = useSignal<'shown' | 'renaming' | 'deleting'>('shown')
  const isShown = chat.shown.value.tree.conversation.id === conversation.id
  const tabIndex = isActive ? 0 : -1
  const title = conversation.title || 'New chat'

  function remove(): void {
    told.value = `Deleted: ${title}`
    void chat.remove(conversation.id)
    document.querySelector<HTMLElement>('#chat-history input')?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (mode.value !== 'shown') {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      mode.value = 'shown'
    } else if (event.key === 'F2') mode.value = 'renaming'
    else if (event.key === 'Delete') mode.value = 'deleting'
  }

  const rowProps = {
    class: isShown ? 'chat-row chat-current' : 'chat-row',
    style: { transform: `translateY(${at * ROW}px)` },
    'data-row': at,
    'aria-posinset': at + 1,
    'aria-setsize': of,
    onFocusIn: onFocus,
    onKeyDown,
  }
  if (mode.value === 'renaming')
    return (
      <li {...rowProps}>
        <form
          class="chat-rename"
          onSubmit={(event) => {
            event.preventDefault()
            const { value } = event.currentTarget.elements.namedItem('title') as HTMLInputElement
            void chat.rename(conversation.id, value)
            mode.value = 'shown'
          }}
        >
          <input
            class="input"
            name="title"
            aria-label="Title"
            defaultValue={title}
            ref={(input) => input?.select()}
            maxLength={200}
          />
          <button type="submit" class="button quiet">
            Save
          </button>
        </form>
      </li>
    )
  if (mode.value === 'deleting')
    return (
      <li {...rowProps}>
        <span class="chat-sure">Delete it?</span>
        <button
          type="button"
          class="button quiet chat-danger"
          ref={(button) => button?.focus()}
          onClick={remove}
        >
          Delete
        </button>
        <button type="button" class="button quiet" onClick={() => (mode.value = 'shown')}>
          Keep
        </button>
      </li>
    )
  return (
    <li {...rowProps}>
      <button
        type="button"
        class="chat-open-row"
        tabIndex={tabIndex}
        aria-current={isShown}
        title={excerpt ?? title}
        onClick={() => {
          void chat.open(conversation.id)
          close()
        }}
      >
        <span>{title}</span>
        {excerpt !== undefined && <span class="dim">{excerpt}</span>}
      </button>
      <button
        type="button"
        class="button quiet chat-row-button"
        tabIndex={tabIndex}
        aria-label={`Rename ${title}`}
        title="Rename (F2)"
        onClick={() => (mode.value = 'renaming')}
      >
        ✎
      </button>
      <button
        type="button"
        class="button quiet chat-row-button"
        tabIndex={tabIndex}
        aria-label={`Delete ${title}`}
        title="Delete (Del)"
        onClick={() => (mode.value = 'deleting')}
      >
        ✕
      </button>
    </li>
  )
}
