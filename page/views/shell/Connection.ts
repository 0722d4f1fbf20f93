// The connection is where the server is and the key it is asked with.

import van from 'vanjs-core'
import { base, keepKey, key, useServer, wrongBase } from '../../state/server.ts'
import { div, input, label, span, type On } from '../elements.ts'
import { Tick } from './controls.ts'

export function Connection(): HTMLElement {
  const wrong = van.state('')
  function move({ currentTarget: { value } }: On): void {
    wrong.val = wrongBase(value) ?? ''
    if (!wrong.val) useServer({ base: value })
  }
  return div(
    { class: 'stack' },
    label(
      { class: 'field' },
      'API key',
      input({
        id: 'shell-key',
        class: 'input mono',
        type: 'password',
        autocomplete: 'off',
        placeholder: 'none',
        value: key,
        onchange: ({ currentTarget }: On) => useServer({ key: currentTarget.value }),
      }),
    ),
    Tick(keepKey, 'Keep the key when this page is closed'),
    label(
      { class: 'field' },
      'Address of the server',
      input({
        class: 'input mono',
        type: 'url',
        placeholder: location.origin,
        value: base,
        'aria-invalid': () => !!wrong.val,
        'aria-describedby': 'shell-base-hint',
        onchange: move,
      }),
      span(
        { id: 'shell-base-hint', class: () => (wrong.val ? 'bad' : 'dim') },
        () => wrong.val || 'Empty: where this page came from.',
      ),
    ),
  )
}
