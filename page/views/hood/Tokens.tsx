// The token panel shades each token of an answer by its probability, and shows what could have stood there.

import { useSignal } from '@preact/signals'
import { Fragment, type VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { tokens, type Token } from '../../state/focus.ts'
import { percent, visibleText } from '../../state/memory.ts'

/** Tokens are shown in blocks of so many, two at a time: an answer of thousands stays light. */
const BLOCK = 128

export function Tokens(): VNode {
  const all = tokens.value
  const back = useSignal(0)
  /** The token that Tab goes to. */
  const roving = useSignal(0)
  /** The one whose alternatives are shown. */
  const open = useSignal<number | undefined>(undefined)
  const list = useRef<HTMLDivElement>(null)
  const start = Math.max(0, Math.ceil(all.length / BLOCK) - 2 - back.value) * BLOCK
  const end = Math.min(all.length, start + 2 * BLOCK)
  const within = (at: number): number => Math.max(start, Math.min(at, end - 1))
  const current = within(roving.value)
  const hide = (): void => void (open.value = undefined)

  function show({ target }: { target: EventTarget | null }): void {
    const { at } = (target as HTMLElement).dataset
    if (at !== undefined) open.value = Number(at)
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && open.value !== undefined) {
      event.stopPropagation()
      return hide()
    }
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: start, End: end - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    list.current?.querySelector<HTMLElement>(`[data-at="${within(to)}"]`)?.focus()
  }

  const turn = (by: number, isLast: boolean, title: string): VNode => (
    <button class="button quiet" disabled={isLast} onClick={() => (back.value += by)}>
      {title} tokens
    </button>
  )

  return (
    <section class="hood-tokens stack" aria-labelledby="hood-tokens">
      <h2 id="hood-tokens">How sure it was</h2>
      <p class="dim">
        {all.length > 0
          ? 'Stronger shades are less likely. Point at one, or use the arrow keys.'
          : 'The tokens of the next answer show here.'}
      </p>
      {all.length > 2 * BLOCK && (
        <div class="row">
          {turn(1, start === 0, 'Earlier')}
          {turn(-1, back.value === 0, 'Later')}
        </div>
      )}
      {all.length > 0 && (
        <div
          ref={list}
          class="hood-text"
          role="toolbar"
          aria-label="Tokens of the answer"
          onKeyDown={onKeyDown}
          onFocusIn={(event) => {
            show(event)
            roving.value = open.value ?? current
          }}
          onFocusOut={hide}
          onPointerOver={show}
          onPointerLeave={hide}
          onClick={show}
        >
          {all.slice(start, end).map((token, i) => {
            const at = start + i
            const isOpen = open.value === at
            return (
              <Fragment key={at}>
                <span
                  role="button"
                  class="hood-token mono"
                  data-at={at}
                  tabIndex={at === current ? 0 : -1}
                  aria-label={`${visibleText(token.text)} ${percent(Math.exp(token.logprob))}`}
                  aria-describedby={isOpen ? 'hood-others' : undefined}
                  style={{ '--sure': String(Math.exp(token.logprob)) }}
                >
                  {token.text.replaceAll('\n', '↵\n') || '∅'}
                </span>
                {isOpen && <Others token={token} />}
              </Fragment>
            )
          })}
        </div>
      )}
    </section>
  )
}

/** What could have stood there, the likeliest first, the chosen one marked. */
function Others({ token }: { token: Token }): VNode {
  const others = token.top.some(({ text }) => text === token.text) ? token.top : [token, ...token.top]
  return (
    <div id="hood-others" class="hood-others" role="tooltip">
      {others.map(({ text, logprob }) => (
        <div key={text} class={text === token.text ? 'hood-chosen' : ''}>
          <span class="mono">{visibleText(text)}</span>
          <span class="share" style={{ '--share': String(Math.exp(logprob)) }} />
          <span>{percent(Math.exp(logprob))}</span>
        </div>
      ))}
    </div>
  )
}
