// The token panel shades each token of an answer by its probability, and shows what could have stood there.

import van, { type State } from 'vanjs-core'
import { tokens, type Token } from '../../state/focus.ts'
import { percent, visibleText } from '../../state/memory.ts'
import { div, focusOn, h2, listed, p, section, span, stepOf, when } from '../elements.ts'
import { Button } from '../shell/controls.ts'

/** Tokens are shown in blocks of so many, two at a time: an answer of thousands stays light. */
const BLOCK = 128

export function Tokens(): HTMLElement {
  const back = van.state(0)
  /** The token that Tab goes to. */
  const roving = van.state(0)
  /** The one whose alternatives are shown. */
  const open = van.state<number | undefined>()
  const count = van.derive(() => tokens.val.length)
  const start = van.derive(() => Math.max(0, Math.ceil(count.val / BLOCK) - 2 - back.val) * BLOCK)
  const end = (): number => Math.min(count.val, start.val + 2 * BLOCK)
  const within = (at: number): number => Math.max(start.val, Math.min(at, end() - 1))
  const current = van.derive(() => within(roving.val))
  const hide = (): void => void (open.val = undefined)

  function show({ target }: Event): void {
    const { at } = (target as HTMLElement).dataset
    if (at !== undefined) open.val = Number(at)
  }

  function onkeydown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && open.val !== undefined) {
      event.stopPropagation()
      return hide()
    }
    const at = current.val
    const to = stepOf(event, { ArrowRight: at + 1, ArrowLeft: at - 1, Home: start.val, End: end() - 1 })
    if (to !== undefined) focusOn(`[data-at="${within(to)}"]`)
  }

  function onfocusin(event: FocusEvent): void {
    show(event)
    roving.val = open.val ?? current.val
  }

  const turn = (by: number, isLast: () => boolean, title: string): HTMLElement =>
    Button(`${title} tokens`, () => (back.val += by), 'quiet', { disabled: isLast })

  const list = listed(
    div({
      class: 'hood-text',
      role: 'toolbar',
      'aria-label': 'Tokens of the answer',
      hidden: () => count.val === 0,
      onkeydown,
      onfocusin,
      onfocusout: hide,
      onpointerover: show,
      onpointerleave: hide,
      onclick: show,
    }),
    () => tokens.val.slice(start.val, end()).map((token, i) => ({ token, at: start.val + i })),
    ({ token }) => token,
    ({ rawVal: { token, at } }) => TokenView(token, at, current, open),
  )
  return section(
    { class: 'hood-tokens stack', 'aria-labelledby': 'hood-tokens' },
    h2({ id: 'hood-tokens' }, 'How sure it was'),
    p({ class: 'dim' }, () =>
      count.val > 0
        ? 'Stronger shades are less likely. Point at one, or use the arrow keys.'
        : 'The tokens of the next answer show here.',
    ),
    when(
      () => count.val > 2 * BLOCK,
      () =>
        div(
          { class: 'row' },
          turn(1, () => start.val === 0, 'Earlier'),
          turn(-1, () => back.val === 0, 'Later'),
        ),
    ),
    list,
  )
}

function TokenView(
  token: Token,
  at: number,
  current: State<number>,
  open: State<number | undefined>,
): HTMLElement {
  const { text, logprob } = token
  const sure = Math.exp(logprob)
  const isOpen = (): boolean => open.val === at
  return span(
    span(
      {
        role: 'button',
        class: 'hood-token mono',
        'data-at': at,
        tabIndex: () => (at === current.val ? 0 : -1),
        'aria-label': `${visibleText(text)} ${percent(sure)}`,
        'aria-describedby': () => (isOpen() ? 'hood-others' : ''),
        style: `--sure:${sure}`,
      },
      text.replaceAll('\n', '↵\n') || '∅',
    ),
    when(isOpen, () => Others(token)),
  )
}

/** What could have stood there, the likeliest first, the chosen one marked. */
function Others(token: Token): HTMLElement {
  const others = token.top.some(({ text }) => text === token.text) ? token.top : [token, ...token.top]
  return div(
    { id: 'hood-others', class: 'hood-others', role: 'tooltip' },
    others.map(({ text, logprob }) => {
      const odds = Math.exp(logprob)
      return div(
        { class: text === token.text ? 'hood-chosen' : '' },
        span({ class: 'mono' }, visibleText(text)),
        span({ class: 'share', style: `--share:${odds}` }),
        span(percent(odds)),
      )
    }),
  )
}
