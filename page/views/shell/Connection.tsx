// The connection is where the server is and the key it is asked with.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { keepKey, server, useServer, wrongBase } from '../../state/server.ts'

export function Connection(): VNode {
  const wrong = useSignal<string | undefined>(undefined)
  return (
    <div class="stack">
      <label class="field">
        API key
        <input
          id="shell-key"
          class="input mono"
          type="password"
          autoComplete="off"
          spellcheck={false}
          placeholder="none"
          value={server.value.key}
          onChange={(event) => useServer({ key: event.currentTarget.value })}
        />
        <span class="dim">
          Sent with each request. Kept until this page is closed, unless you say so here:
        </span>
      </label>
      <label class="row shell-check">
        <input
          type="checkbox"
          checked={keepKey.value}
          onChange={(event) => (keepKey.value = event.currentTarget.checked)}
        />
        Keep the key in this browser
      </label>
      <label class="field">
        Address of the server
        <input
          class="input mono"
          type="url"
          spellcheck={false}
          placeholder={location.origin}
          value={server.value.base}
          aria-invalid={wrong.value !== undefined}
          aria-describedby="shell-base-hint"
          onChange={({ currentTarget: { value } }) => {
            wrong.value = wrongBase(value)
            if (wrong.value === undefined) useServer({ base: value })
          }}
        />
        <span id="shell-base-hint" class={wrong.value === undefined ? 'dim' : 'shell-wrong'}>
          {wrong.value ?? 'Empty: where this page came from. Another one needs its key.'}
        </span>
      </label>
    </div>
  )
}
