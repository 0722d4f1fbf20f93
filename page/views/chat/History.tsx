// The history lists conversations, of which only the rows that are seen are elements; it searches, names, deletes and moves them.

import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { imported, ImportError } from '../../state/exchange.ts'
import { type Found } from '../../state/history.ts'
import { type Conversation } from '../../state/tree.ts'

/** Pixels of a row, which the style sheet says too. */
const ROW = 44

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
          type="button"
          class="button primary"
          onClick={() => {
            chat.begin()
            close()
            document.getElementById('chat-text')?.focus()
          }}
        >
          New chat
        </button>
        <button type="button" class="button quiet chat-close" onClick={close}>
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

function Row({ chat, conversation, excerpt, at, of, isActive, onFocus, close, told }: RowProps) {
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

function Files({ chat, told }: { chat: Chat; told: Signal<string> }) {
  const file = useRef<HTMLInputElement>(null)
  const isSure = useSignal(false)

  async function save(): Promise<void> {
    const parts: string[] = []
    for await (const part of chat.history.export()) parts.push(part)
    const url = URL.createObjectURL(new Blob(parts, { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `islet-chats-${new Date().toISOString().slice(0, 10)}.json`
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 10_000)
    told.value = 'Exported.'
  }

  async function take(input: HTMLInputElement): Promise<void> {
    const [chosen] = input.files ?? []
    if (!chosen) return
    try {
      const { added, known } = await chat.take(imported(await chosen.text()))
      told.value = `Imported ${added}${known > 0 ? `; ${known} were here already` : ''}.`
    } catch (error) {
      told.value = error instanceof ImportError ? error.message : 'The file could not be read.'
    }
    input.value = ''
  }

  return (
    <div class="chat-files">
      <button type="button" class="button quiet" onClick={() => void save()}>
        Export
      </button>
      <button type="button" class="button quiet" onClick={() => file.current!.click()}>
        Import
      </button>
      <input
        ref={file}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="A file of conversations"
        onChange={(event) => void take(event.currentTarget)}
      />
      {isSure.value ? (
        <>
          <button
            type="button"
            class="button quiet chat-danger"
            ref={(button) => button?.focus()}
            onClick={() => {
              isSure.value = false
              void chat.removeAll().then(() => (told.value = 'All conversations are deleted.'))
            }}
          >
            Delete all, for good
          </button>
          <button type="button" class="button quiet" onClick={() => (isSure.value = false)}>
            Keep
          </button>
        </>
      ) : (
        <button type="button" class="button quiet" onClick={() => (isSure.value = true)}>
          Delete all
        </button>
      )}
    </div>
  )
}
