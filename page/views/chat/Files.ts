// Conversations leave this browser as a file and come back from one.

import { type State } from 'vanjs-core'
import { type Chat } from '../../state/chat.ts'
import { imported, ImportError } from '../../state/exchange.ts'
import { a, div, input } from '../elements.ts'
import { Button } from '../shell/controls.ts'

export function Files(chat: Chat, told: State<string>): HTMLElement {
  async function save(): Promise<void> {
    const parts: string[] = []
    for await (const part of chat.history.export()) parts.push(part)
    const href = URL.createObjectURL(new Blob(parts, { type: 'application/json' }))
    a({ href, download: `islet-chats-${new Date().toISOString().slice(0, 10)}.json` }).click()
    setTimeout(() => URL.revokeObjectURL(href), 10_000)
    told.val = 'Exported.'
  }

  async function take(): Promise<void> {
    try {
      const { added, known } = await chat.take(imported(await file.files![0].text()))
      told.val = `Imported ${added}${known > 0 ? `; ${known} were here already` : ''}.`
    } catch (error) {
      told.val = error instanceof ImportError ? error.message : 'The file could not be read.'
    }
    file.value = ''
  }

  const file = input({
    type: 'file',
    accept: '.json',
    hidden: true,
    'aria-label': 'A file of conversations',
    onchange: () => void take(),
  })
  return div(
    { class: 'chat-files' },
    Button('Export', save),
    Button('Import', () => file.click()),
    file,
  )
}
