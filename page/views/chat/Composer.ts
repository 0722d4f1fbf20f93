// The composer takes what a person says: Enter sends and Shift+Enter breaks the line. On touch Enter breaks it.

import van, { type State } from 'vanjs-core'
import { type Chat } from '../../state/chat.ts'
import { bound, focusOn, p, textarea } from '../elements.ts'
import { Button, Form } from '../shell/controls.ts'
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
  focusOn('#chat-text')
}

/** `conversation`: the id of the shown one. */
export function Composer(chat: Chat, conversation: State<string>): HTMLElement {
  const text = van.state('')
  const isRunning = van.derive(() => chat.running() !== undefined)
  van.derive(() => {
    void conversation.val
    // Once it is drawn. Who came by the tabs stays there.
    setTimeout(() => {
      if (document.activeElement === document.body && !isTouched()) toComposer()
    })
  })

  function send(): void {
    if (isRunning.val || !text.val.trim()) return
    chat.send(text.val)
    text.val = ''
    toComposer()
  }

  function stop(): void {
    chat.stop()
    toComposer()
  }

  function onkeydown(event: KeyboardEvent): void {
    sendsByEnter(event)
    if (event.key === 'Escape' && isRunning.val) stop()
    if (event.key !== 'ArrowUp' || text.val || isRunning.val) return
    const last = chat.messages().findLast(({ role }) => role === 'user')
    if (!last) return
    event.preventDefault()
    editing.val = last.id
  }

  return Form(
    'chat-composer',
    send,
    textarea({
      id: 'chat-text',
      class: 'input',
      'aria-label': 'Your message',
      placeholder: 'Write a message',
      'aria-describedby': 'chat-keys',
      rows: () => Math.min(MOST_LINES, text.val.split('\n').length),
      onkeydown,
      ...bound(text),
    }),
    () =>
      isRunning.val
        ? Button('Stop', stop, '')
        : Button('Send', undefined, 'primary', { type: 'submit', disabled: () => !text.val.trim() }),
    p(
      { id: 'chat-keys', class: 'dim chat-keys' },
      'Enter sends, Shift+Enter breaks the line, ↑ edits, Esc stops.',
    ),
  )
}
