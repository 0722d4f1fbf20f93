// The composer takes what a person says: Enter sends and Shift+Enter breaks the line. On touch Enter breaks it.

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { editing } from './editing.ts'

/** Lines until the field scrolls. */
const MOST_LINES = 8

/** Whether the key sends: not where a finger types, nor while an input method puts a character together. */
export function sends(event: KeyboardEvent): boolean {
  return (
    event.key === 'Enter' && !event.shiftKey && !event.isComposing && !matchMedia('(pointer: coarse)').matches
  )
}

export function Composer({ chat }: { chat: Chat }) {
  const text = useSignal('')
  const field = useRef<HTMLTextAreaElement>(null)
  const isRunning = chat.running.value !== undefined
  const shown = chat.shown.value.tree.conversation.id
  useEffect(() => {
    // Who came by the tabs stays there.
    if (document.activeElement === document.body && !matchMedia('(pointer: coarse)').matches)
      field.current?.focus()
  }, [shown])

  function submit(): void {
    if (isRunning || text.value.trim() === '') return
    chat.send(text.value)
    text.value = ''
    field.current?.focus()
  }

  function stop(): void {
    chat.stop()
    field.current?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (sends(event)) {
      event.preventDefault()
      submit()
    } else if (event.key === 'Escape' && isRunning) {
      stop()
    } else if (event.key === 'ArrowUp' && text.value === '' && !isRunning) {
      const last = chat.messages.peek().findLast(({ role }) => role === 'user')
      if (!last) return
      event.preventDefault()
      editing.value = last.id
    }
  }

  return (
    <form
      class="chat-composer"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <label class="visually-hidden" for="chat-text">
        Your message
      </label>
      <textarea
        id="chat-text"
        ref={field}
        class="input"
        placeholder="Write a message"
        aria-describedby="chat-keys"
        rows={Math.min(MOST_LINES, text.value.split('\n').length)}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {isRunning ? (
        <button type="button" class="button chat-stop" onClick={stop}>
          Stop
        </button>
      ) : (
        <button type="submit" class="button primary" disabled={text.value.trim() === ''}>
          Send
        </button>
      )}
      <p id="chat-keys" class="dim chat-keys">
        Enter sends, Shift+Enter breaks the line, ↑ edits your last message, Esc stops.
      </p>
    </form>
  )
}
