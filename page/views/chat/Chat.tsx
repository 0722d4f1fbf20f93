// The chat view shows one conversation with its composer, and the list of all beside it.

import { signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Clock } from '../../state/answering.ts'
import { chatOf, type Chat as State } from '../../state/chat.ts'
import { addShortcuts } from '../../state/shortcuts.ts'
import { openHistory } from '../../state/history.ts'
import { Button } from '../shell/controls.tsx'
import { Composer, toComposer } from './Composer.tsx'
import { Empty } from './Empty.tsx'
import { History } from './History.tsx'
import { Messages } from './Messages.tsx'

const clock: Clock = {
  now: () => performance.now(),
  frame: requestAnimationFrame.bind(globalThis),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms)
      signal.addEventListener('abort', () => resolve())
    }),
}

/** Lives as long as the page, so that answers go on while another tab is shown. */
const state = signal<State | undefined>(undefined)
let opening: Promise<State> | undefined

function openOnce(): Promise<State> {
  return (opening ??= open())
}

/** Deletes all conversations of this browser, also before the chat was ever shown. */
export async function forgetChats(): Promise<void> {
  await (await openOnce()).removeAll()
}

async function open(): Promise<State> {
  // Each tab has a conversation of its own, which outlives a reload.
  const chat = chatOf(await openHistory(), clock, (id) => history.replaceState(id, ''))
  state.value = chat
  await chat.load(history.state)
  return chat
}

export function Chat() {
  useEffect(() => void openOnce(), [])
  const chat = state.value
  return <div class="chat">{chat && <Conversation chat={chat} />}</div>
}

function Conversation({ chat }: { chat: State }) {
  const isListOpen = useSignal(false)
  const close = (): void => {
    if (!isListOpen.peek()) return
    isListOpen.value = false
    document.querySelector<HTMLElement>('.chat-toggle')?.focus()
  }
  const begin = (): void => {
    chat.begin()
    close()
    toComposer()
  }
  useSignalEffect(chat.preview)
  useEffect(
    () =>
      addShortcuts([
        { key: 'n', does: 'New chat', run: begin },
        {
          key: '/',
          does: 'Search chats',
          run() {
            isListOpen.value = true
            document.querySelector<HTMLElement>('[type=search]')?.focus()
          },
        },
      ]),
    [],
  )
  const { conversation } = chat.shown.value.tree
  return (
    <>
      <History chat={chat} isOpen={isListOpen.value} close={close} begin={begin} />
      <section class="chat-main" aria-label="Conversation">
        <header class="chat-head">
          <Button
            kind="quiet chat-toggle"
            aria-expanded={isListOpen.value}
            aria-controls="chat-history"
            onClick={() => (isListOpen.value = !isListOpen.value)}
          >
            Chats
          </Button>
          <h2 class="chat-title">{conversation.title || 'New chat'}</h2>
        </header>
        {chat.trouble.value && (
          <p class="chat-problem" role="alert">
            {chat.trouble.value} <Button onClick={() => (chat.trouble.value = undefined)}>Dismiss</Button>
          </p>
        )}
        {chat.messages.value.length > 0 ? (
          <Messages key={conversation.id} chat={chat} />
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
