// The panel holds settings, connection, code and lists: beside the view where there is room, else as a sheet.

import type { VNode } from 'preact'
import { sections } from '../../state/preferences.ts'
import { CopyAs } from '../copyas/CopyAs.tsx'
import { Lists } from '../lists/Lists.tsx'
import { Connection } from './Connection.tsx'
import { Dialog } from './Dialog.tsx'
import { Settings } from './Settings.tsx'

type Props = { sheet: boolean; onClose: () => void }

/** What is closed is not drawn, so that its lists are asked for only when somebody looks. */
const SECTIONS: Record<string, [title: string, View: () => VNode]> = {
  prompt: ['Prompt and sampling', Settings],
  connection: ['Connection', Connection],
  code: ['Copy as code', CopyAs],
  lists: ['Sessions and models', Lists],
}

export function Panel({ sheet, onClose }: Props): VNode {
  const content = Object.entries(SECTIONS).map(([name, [title, View]]) => {
    const open = sections.value.includes(name)
    return (
      <details key={name} class="shell-section" open={open}>
        <summary
          onClick={(event) => {
            event.preventDefault() // a signal says what is open
            sections.value = open ? sections.value.filter((one) => one !== name) : [...sections.value, name]
          }}
        >
          <h2>{title}</h2>
        </summary>
        {open && <View />}
      </details>
    )
  })
  return sheet ? (
    <Dialog title="Settings" kind="shell-sheet" onClose={onClose}>
      {content}
    </Dialog>
  ) : (
    <aside class="shell-panel" aria-label="Settings">
      {content}
    </aside>
  )
}
