// Help says what the page is and lists its keys.

import type { VNode } from 'preact'
import { singleKeys } from '../../state/preferences.ts'
import { shortcuts } from '../../state/shortcuts.ts'
import { Dialog } from './Dialog.tsx'

export function Help({ onClose }: { onClose: () => void }): VNode {
  return (
    <Dialog title="Help" onClose={onClose}>
      <p>
        A small language model answers here, inside a Cloudflare Worker or on your machine. It is at its best
        where the answer has a form: pulling fields out of a text, choosing among answers, short replies.
      </p>
      <p>
        What you write goes to the server in the settings and nowhere else. Chats are kept in this browser.
        The API behind it is described at <a href="/docs">/docs</a>.
      </p>
      <h3>Keys</h3>
      <label class="row shell-check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => (singleKeys.value = event.currentTarget.checked)}
        />
        Single keys work while you are not writing
      </label>
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
