// The empty state says what a model of this size is good at, and has three requests to start with.

import { button, div, h3, li, p, span, strong, ul } from '../elements.ts'

/** Each of a kind that a small model does well: rewriting, naming, summing up. */
const STARTERS = {
  'Say it politely': 'Rewrite this politely: Send me the report now.',
  'Find names': 'Give me five names for a small bakery by the sea.',
  'Sum it up': 'Sum up in one sentence: The meeting moved to Thursday because two people are ill.',
}

export function Empty(send: (text: string) => void, isLasting: boolean): HTMLElement {
  return div(
    { class: 'chat-empty' },
    h3('What a small model does well'),
    p({ class: 'dim' }, 'Do not trust it with facts, sums or long reasoning.'),
    ul(
      { class: 'chat-starters' },
      Object.entries(STARTERS).map(([title, text]) =>
        li(
          button(
            { class: 'chat-starter', onclick: () => send(text) },
            strong(title),
            span({ class: 'dim' }, text),
          ),
        ),
      ),
    ),
    isLasting ? null : p({ class: 'dim' }, 'This browser keeps no history: it goes when the page is closed.'),
  )
}
