// Copy-as shows the request of the shown view as a program, for whoever wants to send it without the page.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { PROGRAMS, programsFor, type ProgramId } from '../../state/copy-as.ts'
import { lastRequest } from '../../state/focus.ts'
import { server } from '../../state/server.ts'

export function CopyAs(): VNode {
  const wanted = useSignal<ProgramId>('curl')
  const said = useSignal('')
  const request = lastRequest.value
  const ids = request === undefined ? [] : programsFor(request)
  const id = ids.includes(wanted.value) ? wanted.value : 'curl'
  const { base, key } = server.value
  const target = { origin: base === '' ? location.origin : base, hasKey: key !== '' }
  const program = request === undefined ? '' : PROGRAMS[id].write(request, target)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(program)
      said.value = 'Copied.'
    } catch {
      said.value = 'The browser does not let the page copy: select the text instead.'
    }
    setTimeout(() => (said.value = ''), 3000)
  }
  return (
    <section class="copyas stack" aria-labelledby="copyas-title">
      <h2 id="copyas-title">Copy as</h2>
      {request === undefined ? (
        <p class="dim">
          There is no request yet: fill in what is asked for, and it stands here as a program.
        </p>
      ) : (
        <>
          <div class="row">
            <label class="copyas-client">
              <span class="visually-hidden">Program</span>
              <select
                class="input"
                value={id}
                onChange={(event) => (wanted.value = event.currentTarget.value as ProgramId)}
              >
                {ids.map((each) => (
                  <option key={each} value={each}>
                    {PROGRAMS[each].title}
                  </option>
                ))}
              </select>
            </label>
            <button class="button" type="button" onClick={() => void copy()}>
              Copy
            </button>
          </div>
          <pre class="copyas-program mono" tabIndex={0} role="region" aria-label="The request as a program">
            {program}
          </pre>
          <p class="dim extract-said">
            {PROGRAMS[id].needs !== '' && (
              <>
                Needs <code>{PROGRAMS[id].needs}</code>.{' '}
              </>
            )}
            {target.hasKey && 'Put your key where YOUR_KEY stands: the page never copies it.'}
          </p>
        </>
      )}
      <p role="status" class="extract-said">
        {said.value}
      </p>
    </section>
  )
}
