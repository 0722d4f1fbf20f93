// The panel holds settings, connection, code and lists: beside the view where there is room, else as a sheet.

import { sections } from '../../state/preferences.ts'
import { CopyAs } from '../copyas/CopyAs.ts'
import { aside, details, h2, summary, when } from '../elements.ts'
import { Lists } from '../lists/Lists.ts'
import { Connection } from './Connection.ts'
import { Dialog } from './Dialog.ts'
import { Settings } from './Settings.ts'

/** What is closed is not drawn, so that its lists are asked for only when somebody looks. */
const SECTIONS: Record<string, [title: string, view: () => HTMLElement]> = {
  prompt: ['Prompt and sampling', Settings],
  connection: ['Connection', Connection],
  code: ['Copy as code', CopyAs],
  lists: ['Sessions and models', Lists],
}

export function Panel(isSheet: boolean, onClose: () => void): HTMLElement {
  const content = Object.entries(SECTIONS).map(([name, [title, view]]) => {
    const isOpen = (): boolean => sections.val.includes(name)
    function toggle(event: Event): void {
      event.preventDefault() // a state says what is open
      sections.val = isOpen() ? sections.val.filter((one) => one !== name) : [...sections.val, name]
    }
    return details(
      { class: 'shell-section', open: isOpen },
      summary({ onclick: toggle }, h2(title)),
      when(isOpen, view),
    )
  })
  return isSheet
    ? Dialog('Settings', onClose, () => content, 'shell-sheet')
    : aside({ class: 'shell-panel', 'aria-label': 'Settings' }, content)
}
