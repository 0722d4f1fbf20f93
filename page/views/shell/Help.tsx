// Help says what the page is and lists its keys.

import type { VNode } from 'preact'
import { singleKeys } from '../../state/preferences.ts'
import { shortcuts } from '../../state/shortcuts.ts'
import { Tick } from './controls.tsx'
import { Dialog } from './Dialog.tsx'

export function Help({ onClose }: { onClose: () => void }): VNode {
  return (
    <Dialog title="Help" onClose={onClose}>
      <p>
        A small language model answers here, in a Cloudflare Worker or on your machine. It is best where the
        answer has a form: fields of a text, a choice, a short reply.
      </p>
      <p>
        What you write goes to the server in the settings alone. Chats are kept in this browser. The API is
        described at <a href="/docs">/docs</a>.
      </p>
      <h3>Keys</h3>
      <Tick signal={singleKeys}>Single keys work while you are not writing</Tick>
      <dl class="shell-keys">
        {shortcuts.value.map(({ key, does }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
