// Help says what the page is and lists its keys.

import { singleKeys } from '../../state/preferences.ts'
import { shortcuts } from '../../state/shortcuts.ts'
import { a, dd, div, dl, dt, h3, kbd, p } from '../elements.ts'
import { Tick } from './controls.ts'
import { Dialog } from './Dialog.ts'

export function Help(onClose: () => void): HTMLElement {
  return Dialog('Help', onClose, () => [
    p(
      'A small language model answers here. It is best where the answer has a form: fields of a text, a choice, a short reply.',
    ),
    p(
      'What you write goes to the server in the settings alone. Chats stay in this browser. The API is described at ',
      a({ href: '/docs' }, '/docs'),
      '.',
    ),
    h3('Keys'),
    Tick(singleKeys, 'Single keys work while you are not writing'),
    dl(
      { class: 'shell-keys' },
      shortcuts().map(({ key, does }) => div(dt(kbd(key)), dd(does))),
    ),
  ])
}
