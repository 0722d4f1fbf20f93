// The history lists and searches conversations; only the rows that are seen are elements.

import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { type Found } from '../../state/history.ts'
import { Files } from './Files.tsx'
import { Row, ROW } from './Row.tsx'

/** Rows beyond what is seen. */
const SPARE = 4

/** Milliseconds after the last letter until the texts are searched. */
const TYPING = 150

type Props = { chat: Chat; isOpen: boolean; close: () => void }

export function History({ chat, isOpen, close }: Props) {
  const told = useSignal('')
  const words = useSignal('')
  const search = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (isOpen) search.current!.focus()
  }, [isOpen])
  return (
    <aside
      id="chat-history"
      class={isOpen ? 'chat-history chat-open' : 'chat-history'}
      aria-label="Conversations"
      onKeyDown={(event) => event.key === 'Escape' && close()}
    >
      <div class="chat-history-head">
        <button
          class="button primary"
          onClick={() => {
            chat.begin()
            close()
            document.getElementById('chat-text')?.focus()
          }}
        >
          New chat
        </button>
        <button class="button quiet chat-close" onClick={close}>
          Close
        </button>
      </div>
      <Search chat={chat} field={search} words={words} />
      <List chat={chat} close={close} told={told} />
      <Files chat={chat} told={told} />
      <p role="status" class="dim chat-told">
        {told.value}
      </p>
    </aside>
  )
}

type SearchProps = { chat: Chat; field: { current: HTMLInputElement | null }; words: Signal<string> }

function Search({ chat, field, words }: SearchProps) {
  useEffect(() => {
    const text = words.value.trim()
    if (text === '') return void (chat.found.value = undefined)
    const given = new AbortController()
    const timer = setTimeout(() => {
      chat.history.search(text, given.signal).then(
        (found) => {
          if (!given.signal.aborted) chat.found.value = found
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
  const height = useSignal(600)
  /** The row that Tab comes to; arrows move it. */
  const active = useSignal(0)
  const isMoved = useRef(false)
  const found: readonly Found[] =
    chat.found.value ?? chat.conversations.value.map((conversation) => ({ conversation }))
  const at = Math.min(active.value, found.length - 1)
  const from = Math.max(0, Math.floor(top.value / ROW) - SPARE)
  const to = Math.min(found.length, Math.ceil((top.value + height.value) / ROW) + SPARE)

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => (height.value = contentRect.height))
    observer.observe(scroller.current!)
    return () => observer.disconnect()
  }, [])

  useLayoutEffect(() => {
    if (!isMoved.current) return
    isMoved.current = false
    scroller.current!.querySelector<HTMLElement>(`[data-row="${at}"] .chat-open-row`)?.focus()
  })

  function move(to: number): void {
    const next = Math.max(0, Math.min(found.length - 1, to))
    const node = scroller.current!
    // The row must be an element before it can have the focus.
    if (next * ROW < node.scrollTop) node.scrollTop = next * ROW
    if ((next + 1) * ROW > node.scrollTop + node.clientHeight)
      node.scrollTop = (next + 1) * ROW - node.clientHeight
    top.value = node.scrollTop
    isMoved.current = true
    active.value = next
  }

  function onKeyDown(event: KeyboardEvent): void {
    if ((event.target as Element).tagName === 'INPUT') return
    const page = Math.floor(height.value / ROW)
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: found.length - 1,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    move(step)
  }

  return (
    <div
      class="chat-list"
      ref={scroller}
      onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      {found.length === 0 && (
        <p class="dim">
          {chat.found.value
            ? 'Nothing was found.'
            : 'Your conversations will be here, in this browser alone.'}
        </p>
      )}
      <ul style={{ height: `${found.length * ROW}px` }}>
        {found.slice(from, to).map(({ conversation, excerpt }, index) => (
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
