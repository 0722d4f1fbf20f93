// The history lists and searches conversations; only the rows that are seen are elements.

import van, { type State } from 'vanjs-core'
import { type Chat } from '../../state/chat.ts'
import { type Found } from '../../state/history.ts'
import { aside, bound, div, focusOn, input, listed, p, stepOf, ul, when } from '../elements.ts'
import { Button } from '../shell/controls.ts'
import { Files } from './Files.ts'
import { Row, ROW } from './Row.ts'

/** Rows beyond what is seen. */
const SPARE = 4

/** Milliseconds after the last letter until the texts are searched. */
const TYPING = 150

export function History(
  chat: Chat,
  isOpen: State<boolean>,
  close: () => void,
  begin: () => void,
): HTMLElement {
  const told = van.state('')
  return aside(
    {
      id: 'chat-history',
      class: () => `chat-history ${isOpen.val ? 'chat-open' : ''}`,
      'aria-label': 'Conversations',
      onkeydown: ({ key }: KeyboardEvent) => key === 'Escape' && close(),
    },
    div(
      { class: 'chat-history-head' },
      Button('New chat', begin, 'primary'),
      Button('Close', close, 'quiet chat-close'),
    ),
    Search(chat),
    List(chat, close, told),
    Files(chat, told),
    p({ role: 'status', class: 'dim chat-told' }, told),
  )
}

function Search({ found, history }: Chat): HTMLElement {
  const words = van.state('')
  let asked = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  van.derive(() => {
    const text = words.val.trim()
    clearTimeout(timer)
    asked.abort()
    asked = new AbortController()
    const { signal } = asked
    if (!text) return void (found.val = undefined)
    timer = setTimeout(() => {
      history.search(text, signal).then(
        (all) => {
          if (!signal.aborted) found.val = all
        },
        () => undefined,
      )
    }, TYPING)
  })
  return input({
    type: 'search',
    class: 'input',
    placeholder: 'Search titles and texts',
    'aria-label': 'Search conversations',
    ...bound(words),
  })
}

function List(chat: Chat, close: () => void, told: State<string>): HTMLElement {
  const top = van.state(0)
  /** The row that Tab comes to; arrows move it. */
  const active = van.state(0)
  /** The conversation whose title is a field. */
  const renamed = van.state<string | undefined>()
  const found = (): readonly Found[] =>
    chat.found.val ?? chat.conversations.val.map((conversation) => ({ conversation }))
  const last = van.derive(() => found().length - 1)
  const current = van.derive(() => Math.min(active.val, last.val))

  function seen(): (Found & { at: number })[] {
    const from = Math.max(0, Math.floor(top.val / ROW) - SPARE)
    // No list is higher than the screen.
    const some = found().slice(from, Math.ceil((top.val + screen.height) / ROW) + SPARE)
    return some.map((one, at) => ({ ...one, at: from + at }))
  }

  function onkeydown(event: KeyboardEvent): void {
    if ((event.target as Element).tagName === 'INPUT') return
    const at = current.val
    const page = Math.floor(scroller.clientHeight / ROW)
    const step = stepOf(event, {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last.val,
    })
    if (step === undefined) return
    const to = Math.max(0, Math.min(last.val, step))
    const place = to * ROW
    scroller.scrollTop = Math.min(place, Math.max(scroller.scrollTop, place + ROW - scroller.clientHeight))
    active.val = to
    top.val = scroller.scrollTop
    // The row must be an element before it can have the focus.
    queueMicrotask(() => focusOn(`[data-row="${to}"] button`))
  }

  const scroller = div(
    { class: 'chat-list', onscroll: () => (top.val = scroller.scrollTop), onkeydown },
    when(
      () => last.val < 0,
      () =>
        p({ class: 'dim' }, () =>
          chat.found.val ? 'Nothing was found.' : 'Conversations will be here, in this browser alone.',
        ),
    ),
    listed(
      ul({ style: () => `height:${(last.val + 1) * ROW}px` }),
      seen,
      ({ conversation }) => conversation.id,
      (item) => Row({ chat, item, last, active, current, renamed, close, told }),
    ),
  )
  return scroller
}
