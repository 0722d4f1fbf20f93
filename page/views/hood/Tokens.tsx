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

type Place = { at: number; left: number; top: number; isAbove: boolean }

export function Tokens(): VNode {
  const all = tokens.value
  const back = useSignal(0)
  const roving = useSignal(0)
  /** The token whose alternatives are shown, and where. */
  const open = useSignal<Place | undefined>(undefined)
  const list = useRef<HTMLDivElement>(null)
  const blocks = Math.ceil(all.length / BLOCK)
  const start = Math.max(0, blocks - 2 - back.value) * BLOCK
  const end = Math.min(all.length, start + 2 * BLOCK)
  const current = Math.max(start, Math.min(roving.value, end - 1))
  const shown = open.value && all[open.value.at]

  function show(target: EventTarget | null): void {
    const button = target instanceof Element ? target.closest<HTMLElement>('[data-at]') : null
    if (button === null || list.current === null) return
    const left = Math.max(0, Math.min(button.offsetLeft, list.current.clientWidth - 250))
    const isAbove = innerHeight - button.getBoundingClientRect().bottom < ROOM
    const top = isAbove ? button.offsetTop - 4 : button.offsetTop + button.offsetHeight + 4
    open.value = { at: Number(button.dataset['at']), left, top, isAbove }
  }
  const hide = (): void => void (open.value = undefined)

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && open.value !== undefined) {
      event.stopPropagation()
      return hide()
    }
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: start, End: end - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    roving.value = Math.max(start, Math.min(to, end - 1))
    list.current?.querySelector<HTMLElement>(`[data-at="${roving.value}"]`)?.focus()
  }

  return (
    <section class="hood-tokens stack" aria-labelledby="hood-tokens">
      <h2 id="hood-tokens">How sure it was</h2>
      {all.length === 0 ? (
        <p class="dim">
          Answers that you ask for while this is open show here token by token, with how likely each was and
          what else could have stood there.
        </p>
      ) : (
        <>
          <p class="dim">
            The stronger the shade, the less likely the token was. Point at one, or use the arrow keys.
          </p>
          {(start > 0 || back.value > 0) && (
            <div class="row">
              <button class="button quiet" disabled={start === 0} onClick={() => (back.value += 1)}>
                Earlier tokens
              </button>
              <button class="button quiet" disabled={back.value === 0} onClick={() => (back.value -= 1)}>
                Later tokens
              </button>
            </div>
          )}
          <div
            ref={list}
            class="hood-text"
            role="toolbar"
            aria-label="Tokens of the answer"
            onKeyDown={onKeyDown}
            onFocusIn={({ target }) => {
              roving.value = Number((target as HTMLElement).dataset['at'] ?? roving.peek())
              show(target)
            }}
            onFocusOut={hide}
            onPointerOver={({ target }) => show(target)}
            onPointerLeave={hide}
            onClick={({ target }) => show(target)}
          >
            {all.slice(start, end).map((token, i) => (
              <span
                key={start + i}
                role="button"
                class="hood-token mono"
                data-at={start + i}
                tabIndex={start + i === current ? 0 : -1}
                aria-label={`${visibleText(token.text)} ${percent(token.logprob)}`}
                aria-describedby={open.value?.at === start + i ? 'hood-others' : undefined}
                style={{ '--sure': String(Math.exp(token.logprob)) }}
              >
                {token.text.replaceAll('\n', '↵\n') || '∅'}
              </span>
            ))}
            {open.value && shown && <Others token={shown} place={open.value} />}
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
          <span class="hood-share" style={{ '--share': String(Math.exp(logprob)) }} aria-hidden="true" />
          <span>{percent(logprob)}</span>
        </div>
      ))}
    </div>
  )
}
