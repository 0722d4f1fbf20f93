// Copy-as shows the request of the shown view as a program, for whoever wants to send it without the page.

import van from 'vanjs-core'
import { PROGRAMS, programsFor, type ProgramId } from '../../state/copy-as.ts'
import { lastRequest, type SentRequest } from '../../state/focus.ts'
import { base, key } from '../../state/server.ts'
import { CopyButton } from '../chat/copy.ts'
import { div, option, p, pre, select, when, type On } from '../elements.ts'

export function CopyAs(): HTMLElement {
  return div(
    when(
      () => lastRequest.val,
      Program,
      () => p({ class: 'dim' }, 'There is no request yet.'),
    ),
  )
}

function Program(): HTMLElement {
  const wanted = van.state<ProgramId>('curl')
  const idsOf = (request?: SentRequest): ProgramId[] => (request ? programsFor(request) : [])
  const count = van.derive(() => idsOf(lastRequest.val).length)
  const id = (): ProgramId => (idsOf(lastRequest.val).includes(wanted.val) ? wanted.val : 'curl')
  const hasKey = (): boolean => key.val !== ''
  function program(): string {
    if (!lastRequest.val) return ''
    const { path, body: sent } = lastRequest.val
    // As it is sent: without what is undefined.
    const body = JSON.parse(JSON.stringify(sent)) as Record<string, unknown>
    return PROGRAMS[id()].write({ path, body }, { origin: base.val || location.origin, hasKey: hasKey() })
  }
  return div(
    { class: 'copyas stack' },
    div(
      { class: 'line' },
      () => {
        void count.val
        const shown = wanted.rawVal
        return select(
          {
            class: 'input',
            'aria-label': 'Program',
            onchange: ({ currentTarget }: On) => (wanted.val = currentTarget.value as ProgramId),
          },
          idsOf(lastRequest.rawVal).map((value) =>
            option({ value, selected: value === shown }, PROGRAMS[value].title),
          ),
        )
      },
      CopyButton(program, ''),
    ),
    pre({ class: 'mono', tabIndex: 0, role: 'region', 'aria-label': 'The request as a program' }, program),
    p({ class: 'dim bench-small' }, () => {
      const { needs } = PROGRAMS[id()]
      return `${needs && `Needs ${needs}. `}${hasKey() ? 'Put your key where YOUR_KEY stands.' : ''}`
    }),
  )
}
