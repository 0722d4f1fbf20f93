// The view under the hood shows a session's memory, the isolate's, and how likely each token was.

import { dd, div, dl, dt } from '../elements.ts'
import { Isolate } from './Isolate.ts'
import { Memory } from './Memory.ts'
import { Tokens } from './Tokens.ts'

const WORDS = {
  Page: 'the memory of 16 tokens, kept or dropped as one.',
  Sinks: 'the first tokens, always in sight: without them answers fall apart.',
  Window: 'the latest tokens; memory stays small if it sees no more.',
  Reuse: 'what begins as before is not computed again.',
}

/** Nothing is asked or drawn unless it is open: the shell draws it then. */
export function Hood(): HTMLElement {
  return div(
    { class: 'hood', tabIndex: 0, role: 'group', 'aria-label': 'Memory and tokens' },
    Memory(),
    Tokens(),
    Isolate(),
    dl(
      { class: 'hood-words dim' },
      Object.entries(WORDS).map(([word, meaning]) => div(dt(`${word}:`), ' ', dd(meaning))),
    ),
  )
}
