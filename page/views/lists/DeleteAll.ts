// The delete-all dialog says what it deletes before it does.

import van, { type ChildDom } from 'vanjs-core'
import { removeAll } from '../../state/sessions.ts'
import { forgetChats } from '../chat/Chat.ts'
import { div, p, when } from '../elements.ts'
import { Button } from '../shell/controls.ts'
import { Dialog } from '../shell/Dialog.ts'

export function DeleteAll(): ChildDom {
  const isOpen = van.state(false)
  const content = (close: () => void): ChildDom => [
    p(
      'At the server: all sessions of this key, also responses and conversations of other programs. In this browser: all chats. It cannot be undone.',
    ),
    div(
      { class: 'row' },
      Button('Keep all', close, ''),
      Button('Delete all', () => removeAll(forgetChats).then(close), 'bad'),
    ),
  ]
  return [
    Button('Delete everything of mine', () => (isOpen.val = true), 'bad'),
    when(
      () => isOpen.val,
      () => Dialog('Delete everything?', () => (isOpen.val = false), content),
    ),
  ]
}
