// The token panel shades each token of an answer by its probability, and shows what could have stood there.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { tokens, type Token } from '../../state/focus.ts'
import { percent, visibleText } from '../../state/memory.ts'

/** Tokens are shown in blocks of so many, two at a time: an answer of thousands stays light. */
const BLOCK = 128

/** CSS pixels below a token that its alternatives need; with less they stand above it. */
const ROOM = 180

/** The token whose alternatives are shown, and where. */
type Place = { at: number; left: number; top: number; isAbove: boolean }

export function Tokens(): VNode {
  const all = tokens.value
  const back = useSignal(0)
  const roving = useSignal(0)
  const open = useSignal<Place | undefined>(undefined)
  const list = useRef<HTMLDivElement>(null)
  const start = Math.max(0, Math.ceil(all.length / BLOCK) - 2 - back.value) * BLOCK
  const end = Math.min(all.length, start + 2 * BLOCK)
  const within = (at: number): number => Math.max(start, Math.min(at, end - 1))
  const current = within(roving.value)
  const hide = (): void => void (open.value = undefined)

  function show({ target }: { target: EventTarget | null }): void {
    const { offsetLeft, offsetTop, offsetHeight, dataset } = target as HTMLElement
    if (dataset['at'] === undefined || !list.current) return
    const left = Math.max(0, Math.min(offsetLeft, list.current.clientWidth - 250))
    const isAbove = innerHeight - (target as HTMLElement).getBoundingClientRect().bottom < ROOM
    const top = offsetTop + (isAbove ? -4 : offsetHeight + 4)
    open.value = { at: Number(dataset['at']), left, top, isAbove }
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && open.value) {
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
      {all.length === 0 ? (
        <p class="dim">Answers that you ask for while this is open show here, token by token.</p>
      ) : (
        <>
          <p class="dim">
            The stronger the shade, the less likely the token. Point at one, or use the arrow keys.
          </p>
          {all.length > 2 * BLOCK && (
            <div class="row">
              {turn(1, start === 0, 'Earlier')}
              {turn(-1, back.value === 0, 'Later')}
            </div>
          )}
          <div
            ref={list}
            class="hood-text"
            role="toolbar"
            aria-label="Tokens of the answer"
            onKeyDown={onKeyDown}
            onFocusIn={(event) => {
              show(event)
              roving.value = open.value?.at ?? current
            }}
            onFocusOut={hide}
            onPointerOver={show}
            onPointerLeave={hide}
            onClick={show}
          >
            {all.slice(start, end).map((token, i) => (
              <span
                key={start + i}
                role="button"
                class="hood-token mono"
                data-at={start + i}
                tabIndex={start + i === current ? 0 : -1}
                aria-label={`${visibleText(token.text)} ${percent(Math.exp(token.logprob))}`}
                aria-describedby={open.value?.at === start + i ? 'hood-others' : undefined}
                style={{ '--sure': String(Math.exp(token.logprob)) }}
              >
                {token.text.replaceAll('\n', '↵\n') || '∅'}
              </span>
            ))}
            {open.value && all[open.value.at] && <Others token={all[open.value.at]} place={open.value} />}
          </div>
        </>
      )}
    </section>
  )
}

/** What could have stood there, the likeliest first, the chosen one marked. */
function Others({ token, place }: { token: Token; place: Place }): VNode {
  const others = token.top.some(({ text }) => text === token.text) ? token.top : [token, ...token.top]
  const { left, top, isAbove } = place
  return (
    <div
      id="hood-others"
      class={isAbove ? 'hood-others hood-above' : 'hood-others'}
      role="tooltip"
      style={{ left: `${left}px`, top: `${top}px` }}
    >
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
