// The list of messages is windowed by blocks: those far from what is seen give way to their height.

import { useSignal } from '@preact/signals'
import { type ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { type Message } from '../../state/tree.ts'
import { Button } from '../shell/controls.tsx'
import { copied } from './copy.ts'
import { MessageView } from './Message.tsx'

/** Messages that come and go together, and the pixels that one is taken for until it was seen. */
const BLOCK = 10
const USUAL_HEIGHT = 140

/** Pixels beyond the edge within which blocks are made. */
const AHEAD = 800

/** Pixels from the end within which the list stays at its end. */
const NEAR_END = 60

export function Messages({ chat }: { chat: Chat }) {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isAtEnd = useSignal(true)
  const messages = chat.messages.value
  const blocks = Array.from({ length: Math.ceil(messages.length / BLOCK) }, (_, at) =>
    messages.slice(at * BLOCK, (at + 1) * BLOCK),
  )

  const toEnd = (): void =>
    void scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: 'instant' })

  useLayoutEffect(() => {
    toEnd()
    // Growth by whatever cause: text, blocks that were made, another width.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.peek()) toEnd()
    })
    observer.observe(content.current!)
    observer.observe(scroller.current!)
    return () => observer.disconnect()
  }, [])

  // What a person just said is shown, wherever they had scrolled.
  const last = messages.findLast(({ role }) => role === 'user')?.id
  useEffect(() => {
    isAtEnd.value = true
    toEnd()
  }, [last])

  function onScroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current!
    isAtEnd.value = scrollHeight - scrollTop - clientHeight < NEAR_END
  }

  return (
    <div
      class="chat-scroll"
      ref={scroller}
      onScroll={onScroll}
      onClick={copyCode}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Messages"
    >
      <div class="chat-messages" ref={content}>
        {blocks.map((block, at) => (
          <Block key={block[0].id} count={block.length} isLast={at === blocks.length - 1} scroller={scroller}>
            {() =>
              block.map((message: Message) => <MessageView key={message.id} chat={chat} message={message} />)
            }
          </Block>
        ))}
      </div>
      {!isAtEnd.value && (
        <Button kind="chat-to-end" onClick={toEnd}>
          To the end
        </Button>
      )}
    </div>
  )
}

type BlockProps = {
  count: number
  isLast: boolean
  scroller: { current: HTMLDivElement | null }
  children: () => ComponentChildren
}

function Block({ count, isLast, scroller, children }: BlockProps) {
  const root = useRef<HTMLDivElement>(null)
  const isNear = useSignal(isLast)
  const height = useRef(count * USUAL_HEIGHT)
  useEffect(() => {
    const node = root.current!
    const observer = new IntersectionObserver(
      ([entry]) => {
        // Whoever is in it, by focus or by selection, stays.
        const isKept = node.contains(document.activeElement) || getSelection()?.containsNode(node, true)
        if (isNear.peek() && !isKept) height.current = node.offsetHeight
        isNear.value = entry.isIntersecting || (isNear.peek() && isKept === true)
      },
      { root: scroller.current, rootMargin: `${AHEAD}px` },
    )
    observer.observe(node)
    return () => observer.disconnect()
  }, [])
  const isShown = isLast || isNear.value
  return (
    <div ref={root} style={{ height: isShown ? '' : `${height.current}px` }}>
      {isShown && children()}
    </div>
  )
}

/** The buttons above blocks of code are made by the renderer, which knows no events. */
function copyCode(event: MouseEvent): void {
  const button = (event.target as Element).closest<HTMLButtonElement>('.chat-copy')
  if (button) void copied(button, button.closest('.chat-code')!.querySelector('code')!.textContent)
}
