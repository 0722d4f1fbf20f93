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
  const isRenamed = useSignal(false)
  const isShown = chat.shown.value.tree.conversation.id === conversation.id
  const tabIndex = isActive ? 0 : -1
  const title = conversation.title || 'New chat'

  function remove(): void {
    if (!confirm(`Delete “${title}” for good?`)) return
    told.value = `Deleted: ${title}`
    void chat.remove(conversation.id)
    document.querySelector<HTMLElement>('#chat-history input')?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (isRenamed.value) {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      isRenamed.value = false
    } else if (event.key === 'F2') isRenamed.value = true
    else if (event.key === 'Delete') remove()
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
  if (isRenamed.value)
    return (
      <li {...rowProps}>
        <form
          class="chat-rename"
          onSubmit={(event) => {
            event.preventDefault()
            const { value } = event.currentTarget.elements.namedItem('title') as HTMLInputElement
            void chat.rename(conversation.id, value)
            isRenamed.value = false
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
  return (
    <li {...rowProps}>
      <button
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
        class="button quiet chat-row-button"
        tabIndex={tabIndex}
        aria-label={`Rename ${title}`}
        title="Rename (F2)"
        onClick={() => (isRenamed.value = true)}
      >
        ✎
      </button>
      <button
        class="button quiet chat-row-button"
        tabIndex={tabIndex}
        aria-label={`Delete ${title}`}
        title="Delete (Del)"
        onClick={() => remove()}
      >
        ✕
      </button>
    </li>
  )
}
