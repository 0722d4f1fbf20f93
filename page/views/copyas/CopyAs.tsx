// Copy-as shows the request of the shown view as a program, for whoever wants to send it without the page.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { PROGRAMS, programsFor, type ProgramId } from '../../state/copy-as.ts'
import { lastRequest } from '../../state/focus.ts'
import { server } from '../../state/server.ts'
import { copied } from '../chat/copy.ts'

export function CopyAs(): VNode {
  const wanted = useSignal<ProgramId>('curl')
  const request = lastRequest.value
  if (request === undefined) return <p class="dim">There is no request yet.</p>
  const ids = programsFor(request)
  const id = ids.includes(wanted.value) ? wanted.value : 'curl'
  const { base, key } = server.value
  const hasKey = key !== ''
  const { needs, write } = PROGRAMS[id]
  // As it is sent: without what is undefined.
  const body = JSON.parse(JSON.stringify(request.body)) as Record<string, unknown>
  const program = write({ path: request.path, body }, { origin: base || location.origin, hasKey })
  return (
    <div class="copyas stack">
      <div class="line">
        <select
          class="input"
          aria-label="Program"
          value={id}
          onChange={(event) => (wanted.value = event.currentTarget.value as ProgramId)}
        >
          {ids.map((each) => (
            <option key={each} value={each}>
              {PROGRAMS[each].title}
            </option>
          ))}
        </select>
        <button class="button" onClick={(event) => void copied(event.currentTarget, program)}>
          Copy
        </button>
      </div>
      <pre class="mono" tabIndex={0} role="region" aria-label="The request as a program">
        {program}
      </pre>
      <p class="dim bench-small">
        {needs && `Needs ${needs}. `}
        {hasKey && 'Put your key where YOUR_KEY stands.'}
      </p>
    </div>
  )
}
