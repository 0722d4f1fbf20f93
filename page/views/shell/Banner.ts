// The banner says in a sentence what is the matter with the server: away, loading, busy, or in want of a key.

import van from 'vanjs-core'
import { askNow, health, trouble } from '../../state/server.ts'
import { loadedShare, standing, words } from '../../state/standing.ts'
import { div, p, progress, section, when } from '../elements.ts'
import { Button, Countdown } from './controls.ts'

/** Said once for each state: the numbers of a load would be read out without end. */
const SAID: Partial<Record<string, string>> = {
  loading: 'The model is loading.',
  ready: 'The model is ready.',
}

export function Banner(onKey: () => void): HTMLElement {
  const at = van.derive(standing)
  const sentence = van.derive(() => words().sentence ?? '')
  return section(
    { 'aria-label': 'The state of the server' },
    p({ class: 'unseen', role: 'status' }, () => SAID[at.val] ?? sentence.val),
    when(
      () => sentence.val,
      () =>
        div(
          { class: () => `shell-banner shell-${at.val}` },
          p(sentence),
          when(() => at.val === 'loading', Loaded),
          when(
            () => at.val === 'away',
            () => Button('Ask now', askNow, ''),
          ),
          when(
            () => at.val === 'key',
            () => Button('Enter a key', onKey, ''),
          ),
        ),
    ),
    () => {
      const { text, until } = trouble.val ?? {}
      if (!until || at.val === 'away') return ''
      const left = Countdown(until, Date.now, (seconds) => `${seconds} s`, 'badge')
      return div({ class: 'shell-banner', role: 'status' }, p(text), left)
    },
  )
}

function Loaded(): HTMLElement {
  return progress({ value: () => loadedShare(health.val), 'aria-label': 'The model loads' })
}
