// Controls are what all views build with: a button, a box to tick, a form, and seconds that go down.

import { type ChildDom, type Props, type State } from 'vanjs-core'
import { button, form, input, label, span, type On } from '../elements.ts'

type Press = (event: On<HTMLButtonElement>) => unknown

/** `kind`: further classes, `quiet` or `primary`. */
export function Button(says: ChildDom, onclick?: Press, kind = 'quiet', more: Props = {}): HTMLButtonElement {
  return button({ type: 'button', class: `button ${kind}`, onclick: onclick ?? null, ...more }, says)
}

export function Tick(state: State<boolean>, says: string): HTMLElement {
  return label(
    { class: 'row shell-check' },
    input({
      type: 'checkbox',
      checked: state,
      onchange: ({ currentTarget }: On) => (state.val = currentTarget.checked),
    }),
    says,
  )
}

/** A form whose submission stays here. */
export function Form(
  name: string,
  send: (form: HTMLFormElement) => void,
  ...fields: ChildDom[]
): HTMLFormElement {
  function onsubmit(event: On<HTMLFormElement>): void {
    event.preventDefault()
    send(event.currentTarget)
  }
  return form({ class: name, onsubmit }, fields)
}

/** Whole seconds until a time in milliseconds of the clock `now`, as they go down; not read out. */
export function Countdown(
  until: number,
  now: () => number,
  words: (seconds: number) => string,
  kind = '',
): HTMLElement {
  const said = (): string => words(Math.max(0, Math.ceil((until - now()) / 1000)))
  const shown = span({ class: kind, 'aria-hidden': 'true' }, said())
  const timer = setInterval(() => {
    shown.textContent = said()
    if (!shown.isConnected) clearInterval(timer)
  }, 250)
  return shown
}
