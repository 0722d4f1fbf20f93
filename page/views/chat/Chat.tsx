// The chat view shows one conversation with its composer, and the list of all beside it.

import { signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type Clock } from '../../state/answering.ts'
import { chatOf, type Chat as State } from '../../state/chat.ts'
import { addShortcuts } from '../../state/shortcuts.ts'
import { openHistory } from '../../state/history.ts'
import { Composer } from './Composer.tsx'
import { Empty } from './Empty.tsx'
import { History } from './History.tsx'
import { Messages } from './Messages.tsx'

const clock: Clock = {
  now: () => performance.now(),
  frame: (callback) => void requestAnimationFrame(callback),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }),
}

/** Lives as long as the page, so that answers go on while another tab is shown. */
const state = signal<State | undefined>(undefined)
let opening: Promise<void> | undefined

function openOnce(): Promise<void> {
  return (opening ??= open())
}

/** Deletes all conversations of this browser, also before the chat was ever shown. */
export async function forgetChats(): Promise<void> {
  await openOnce()
  await state.peek()?.removeAll()
}

async function open(): Promise<void> {
  const chat = chatOf(await openHistory(), clock, remember)
  state.value = chat
  await chat.load(history.state)
}

/** Each tab has a conversation of its own, which outlives a reload. */
function remember(id: string | undefined): void {
  history.replaceState(id, '')
}

export function Chat() {
  useEffect(() => void openOnce(), [])
  const chat = state.value
  return <div class="chat">{chat && <Conversation chat={chat} />}</div>
}

function Conversation({ chat }: { chat: State }) {
  const isListOpen = useSignal(false)
  const toggle = useRef<HTMLButtonElement>(null)
  const close = (): void => {
    if (!isListOpen.peek()) return
    isListOpen.value = false
    toggle.current?.focus()
  }
  useSignalEffect(chat.preview)
  useEffect(
    () =>
      addShortcuts([
        {
          key: 'n',
          does: 'New chat',
          run: () => (chat.begin(), document.getElementById('chat-text')?.focus()),
        },
        {
          key: '/',
          does: 'Search chats',
          run() {
            isListOpen.value = true
            document.querySelector<HTMLElement>('#chat-history [type=search]')?.focus()
          },
        },
      ]),
    [],
  )
  const { tree } = chat.shown.value
  return (
    <>
      <History chat={chat} isOpen={isListOpen.value} close={close} />
      <section class="chat-main" aria-label="Conversation">
        <header class="chat-head">
          <button
            ref={toggle}
            class="button quiet chat-toggle"
            aria-expanded={isListOpen.value}
            aria-controls="chat-history"
            onClick={() => (isListOpen.value = !isListOpen.value)}
          >
            Chats
          </button>
          <h2 class="chat-title">{tree.conversation.title || 'New chat'}</h2>
        </header>
        {chat.trouble.value && (
          <p class="chat-trouble" role="alert">
            {chat.trouble.value}{' '}
            <button class="button quiet" onClick={() => (chat.trouble.value = undefined)}>
              Dismiss
            </button>
          </p>
        )}
        {chat.messages.value.length > 0 ? (
          <Messages key={tree.conversation.id} chat={chat} />
        ) : (
          <Empty send={chat.send} isLasting={chat.history.lasting} />
        )}
        <Composer chat={chat} />
        <div role="status" class="visually-hidden">
          {chat.said.value}
        </div>
      </section>
    </>
  )
}
