// The connection is where the server is and the key it is asked with.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { Tick } from './controls.tsx'
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
          placeholder="none"
          value={server.value.key}
          onChange={(event) => useServer({ key: event.currentTarget.value })}
        />
        <span class="dim">Forgotten when this page is closed, unless you say:</span>
      </label>
      <Tick signal={keepKey}>Keep the key in this browser</Tick>
      <label class="field">
        Address of the server
        <input
          class="input mono"
          type="url"
          placeholder={location.origin}
          value={server.value.base}
          aria-invalid={!!wrong.value}
          aria-describedby="shell-base-hint"
          onChange={({ currentTarget: { value } }) => {
            wrong.value = wrongBase(value)
            if (!wrong.value) useServer({ base: value })
          }}
        />
        <span id="shell-base-hint" class={wrong.value ? 'shell-wrong' : 'dim'}>
          {wrong.value ?? 'Empty: where this page came from.'}
        </span>
      </label>
    </div>
  )
}
