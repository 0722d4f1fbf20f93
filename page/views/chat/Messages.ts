// The list of messages is windowed by blocks: those far from what is seen give way to their height.

import van, { type State } from 'vanjs-core'
import { type Chat } from '../../state/chat.ts'
import { type Message } from '../../state/tree.ts'
import { div, listed, when } from '../elements.ts'
import { Button } from '../shell/controls.ts'
import { MessageView } from './Message.ts'

/** Messages that come and go together, and the pixels that one is taken for until it was seen. */
const BLOCK = 10
const USUAL_HEIGHT = 140

/** Pixels beyond the edge within which blocks are made. */
const AHEAD = 800

/** Pixels from the end within which the list stays at its end. */
const NEAR_END = 60

export function Messages(chat: Chat): HTMLElement {
  const isAtEnd = van.state(true)

  function onscroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = scroller
    isAtEnd.val = scrollHeight - scrollTop - clientHeight < NEAR_END
  }

  const toEnd = (): void => scroller.scrollTo({ top: scroller.scrollHeight, behavior: 'instant' })

  /** Blocks with what tells the last one. */
  function blocks(): (readonly [messages: Message[], isLast: boolean])[] {
    const all = chat.messages()
    const count = Math.ceil(all.length / BLOCK)
    return Array.from({ length: count }, (_, at) => [
      all.slice(at * BLOCK, (at + 1) * BLOCK),
      at === count - 1,
    ])
  }

  const scroller = div({
    class: 'chat-scroll',
    onscroll,
    tabIndex: 0,
    role: 'log',
    'aria-live': 'off',
    'aria-label': 'Messages',
  })
  const content = listed(
    div({ class: 'chat-messages' }),
    blocks,
    ([messages]) => messages[0].id,
    (block) => Block(chat, block, scroller),
  )
  van.add(
    scroller,
    content,
    when(
      () => !isAtEnd.val,
      () => Button('To the end', toEnd, 'chat-to-end'),
    ),
  )

  // Growth by whatever cause: text, blocks that were made, another width. It is told of the first size as well.
  const observer = new ResizeObserver(() => {
    if (isAtEnd.val) toEnd()
  })
  observer.observe(content)
  observer.observe(scroller)

  // What a person just said is shown, wherever they had scrolled.
  const lastAsked = van.derive(() => chat.messages().findLast(({ role }) => role === 'user')?.id)
  van.derive(() => {
    void lastAsked.val
    isAtEnd.val = true
  })
  return scroller
}

function Block(
  chat: Chat,
  block: State<readonly [messages: Message[], isLast: boolean]>,
  scroller: HTMLElement,
): HTMLElement {
  const isNear = van.state(block.rawVal[1])
  const isShown = (): boolean => block.val[1] || isNear.val
  let height = block.rawVal[0].length * USUAL_HEIGHT
  const root = div(
    { style: () => (isShown() ? '' : `height:${height}px`) },
    when(isShown, () =>
      listed(
        div(),
        () => block.val[0],
        ({ id }) => id,
        ({ rawVal }) => MessageView(chat, rawVal),
      ),
    ),
  )
  const observer = new IntersectionObserver(
    ([entry]) => {
      // Whoever is in it, by focus or by selection, stays.
      const isKept = root.contains(document.activeElement) || getSelection()?.containsNode(root, true)
      if (isNear.val && !isKept) height = root.offsetHeight
      isNear.val = entry.isIntersecting || (isNear.val && isKept === true)
    },
    { root: scroller, rootMargin: `${AHEAD}px` },
  )
  observer.observe(root)
  return root
}
