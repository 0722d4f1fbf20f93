// The history lists and searches conversations; only the rows that are seen are elements.

import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { type Found } from '../../state/history.ts'
import { Button } from '../shell/controls.tsx'
import { Files } from './Files.tsx'
import { Row, ROW } from './Row.tsx'

/** Rows beyond what is seen. */
const SPARE = 4

/** Milliseconds after the last letter until the texts are searched. */
const TYPING = 150

type Props = { chat: Chat; isOpen: boolean; close: () => void; begin: () => void }

export function History({ chat, isOpen, close, begin }: Props) {
  const told = useSignal('')
  return (
    <aside
      id="chat-history"
      class={`chat-history ${isOpen ? 'chat-open' : ''}`}
      aria-label="Conversations"
      onKeyDown={(event) => event.key === 'Escape' && close()}
    >
      <div class="chat-history-head">
        <Button kind="primary" onClick={begin}>
          New chat
        </Button>
        <Button kind="quiet chat-close" onClick={close}>
          Close
        </Button>
      </div>
      <Search chat={chat} isOpen={isOpen} />
      <List chat={chat} close={close} told={told} />
      <Files chat={chat} told={told} />
      <p role="status" class="dim chat-told">
        {told.value}
      </p>
    </aside>
  )
}

function Search({ chat, isOpen }: Pick<Props, 'chat' | 'isOpen'>) {
  const field = useRef<HTMLInputElement>(null)
  const words = useSignal('')
  useEffect(() => {
    if (isOpen) field.current!.focus()
  }, [isOpen])
  useEffect(() => {
    const text = words.value.trim()
    if (!text) return void (chat.found.value = undefined)
    const given = new AbortController()
    const { signal } = given
    const timer = setTimeout(() => {
      chat.history.search(text, signal).then(
        (found) => {
          if (!signal.aborted) chat.found.value = found
        },
        () => undefined,
      )
    }, TYPING)
    return () => {
      clearTimeout(timer)
      given.abort()
    }
  }, [words.value])
  return (
    <input
      ref={field}
      type="search"
      class="input"
      placeholder="Search titles and texts"
      aria-label="Search conversations"
      value={words.value}
      onInput={(event) => (words.value = event.currentTarget.value)}
    />
  )
}

type ListProps = { chat: Chat; close: () => void; told: Signal<string> }

function List({ chat, close, told }: ListProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const top = useSignal(0)
  /** The row that Tab comes to; arrows move it. */
  const active = useSignal(0)
  const isMoved = useRef(false)
  const found: readonly Found[] =
    chat.found.value ?? chat.conversations.value.map((conversation) => ({ conversation }))
  const last = found.length - 1
  const at = Math.min(active.value, last)
  const from = Math.max(0, Math.floor(top.value / ROW) - SPARE)
  // No list is higher than the screen.
  const seen = found.slice(from, Math.ceil((top.value + screen.height) / ROW) + SPARE)

  useLayoutEffect(() => {
    if (isMoved.current) scroller.current!.querySelector<HTMLElement>(`[data-row="${at}"] button`)?.focus()
    isMoved.current = false
  })

  function onKeyDown(event: KeyboardEvent): void {
    const node = scroller.current!
    const page = Math.floor(node.clientHeight / ROW)
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    }
    const step = steps[event.key] as number | undefined
    if (step === undefined || (event.target as Element).tagName === 'INPUT') return
    event.preventDefault()
    active.value = Math.max(0, Math.min(last, step))
    // The row must be an element before it can have the focus.
    const place = active.value * ROW
    node.scrollTop = Math.min(place, Math.max(node.scrollTop, place + ROW - node.clientHeight))
    top.value = node.scrollTop
    isMoved.current = true
  }

  return (
    <div
      class="chat-list"
      ref={scroller}
      onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      {last < 0 && (
        <p class="dim">
          {chat.found.value
            ? 'Nothing was found.'
            : 'Your conversations will be here, in this browser alone.'}
        </p>
      )}
      <ul style={{ height: `${found.length * ROW}px` }}>
        {seen.map(({ conversation, excerpt }, index) => (
          <Row
            key={conversation.id}
            chat={chat}
            conversation={conversation}
            excerpt={excerpt}
            at={from + index}
            of={found.length}
            isActive={from + index === at}
            onFocus={() => (active.value = from + index)}
            close={close}
            told={told}
          />
        ))}
      </ul>
    </div>
  )
}
