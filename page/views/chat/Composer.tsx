// The composer takes what a person says: Enter sends and Shift+Enter breaks the line. On touch Enter breaks it.

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { Button, Form } from '../shell/controls.tsx'
import { editing } from './editing.ts'

/** Lines until the field scrolls. */
const MOST_LINES = 8

const isTouched = (): boolean => matchMedia('(pointer: coarse)').matches

/** Sends the form of a field: not where a finger types, nor while an input method puts a character together. */
export function sendsByEnter(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || isTouched()) return
  event.preventDefault()
  ;(event.target as HTMLTextAreaElement).form!.requestSubmit()
}

export function toComposer(): void {
  document.getElementById('chat-text')?.focus()
}

export function Composer({ chat }: { chat: Chat }) {
  const text = useSignal('')
  const isRunning = chat.running.value !== undefined
  useEffect(() => {
    // Who came by the tabs stays there.
    if (document.activeElement === document.body && !isTouched()) toComposer()
  }, [chat.shown.value.tree.conversation.id])

  function stop(): void {
    chat.stop()
    toComposer()
  }

  function onKeyDown(event: KeyboardEvent): void {
    sendsByEnter(event)
    if (event.key === 'Escape' && isRunning) stop()
    if (event.key !== 'ArrowUp' || text.value || isRunning) return
    const last = chat.messages.peek().findLast(({ role }) => role === 'user')
    if (!last) return
    event.preventDefault()
    editing.value = last.id
  }

  return (
    <Form
      class="chat-composer"
      send={() => {
        if (isRunning || !text.value.trim()) return
        chat.send(text.value)
        text.value = ''
        toComposer()
      }}
    >
      <textarea
        id="chat-text"
        class="input"
        aria-label="Your message"
        placeholder="Write a message"
        aria-describedby="chat-keys"
        rows={Math.min(MOST_LINES, text.value.split('\n').length)}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {isRunning ? (
        <Button key="stop" kind="" onClick={stop}>
          Stop
        </Button>
      ) : (
        <Button key="send" type="submit" kind="primary" disabled={!text.value.trim()}>
          Send
        </Button>
      )}
      <p id="chat-keys" class="dim chat-keys">
        Enter sends, Shift+Enter breaks the line, ↑ edits, Esc stops.
      </p>
    </Form>
  )
}
