// Controls are what all views build with: a button, a box to tick, a form, and seconds that go down.

import { useSignal } from '@preact/signals'
import type { ButtonHTMLAttributes, ComponentChildren, FormHTMLAttributes, VNode } from 'preact'
import { useEffect } from 'preact/hooks'

type ButtonProps = ButtonHTMLAttributes & {
  /** Further classes: `quiet`, `primary`. */
  kind?: string
}

export function Button({ kind = 'quiet', ...rest }: ButtonProps): VNode {
  return <button type="button" class={`button ${kind}`} {...rest} />
}

type TickProps = { signal: { value: boolean }; children: ComponentChildren }

export function Tick({ signal, children }: TickProps): VNode {
  return (
    <label class="row shell-check">
      <input
        type="checkbox"
        checked={signal.value}
        onChange={(event) => (signal.value = event.currentTarget.checked)}
      />
      {children}
    </label>
  )
}

type FormProps = FormHTMLAttributes & { send: (form: HTMLFormElement) => void }

/** A form whose submission stays here. */
export function Form({ send, ...rest }: FormProps): VNode {
  return (
    <form
      {...rest}
      onSubmit={(event) => {
        event.preventDefault()
        send(event.currentTarget)
      }}
    />
  )
}

/** Whole seconds until a time in milliseconds of the clock `now`, as they go down. */
export function useSeconds(until: number, now: () => number): number {
  const at = useSignal(now())
  useEffect(() => {
    const timer = setInterval(() => (at.value = now()), 250)
    return () => clearInterval(timer)
  }, [])
  return Math.max(0, Math.ceil((until - at.value) / 1000))
}
