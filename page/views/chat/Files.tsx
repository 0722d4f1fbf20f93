// Conversations leave this browser as a file and come back from one.

import { type Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { imported, ImportError } from '../../state/exchange.ts'
import { Button } from '../shell/controls.tsx'

export function Files({ chat, told }: { chat: Chat; told: Signal<string> }) {
  const file = useRef<HTMLInputElement>(null)

  async function save(): Promise<void> {
    const parts: string[] = []
    for await (const part of chat.history.export()) parts.push(part)
    const href = URL.createObjectURL(new Blob(parts, { type: 'application/json' }))
    const download = `islet-chats-${new Date().toISOString().slice(0, 10)}.json`
    Object.assign(document.createElement('a'), { href, download }).click()
    setTimeout(() => URL.revokeObjectURL(href), 10_000)
    told.value = 'Exported.'
  }

  async function take(input: HTMLInputElement): Promise<void> {
    try {
      const { added, known } = await chat.take(imported(await input.files![0].text()))
      told.value = `Imported ${added}${known > 0 ? `; ${known} were here already` : ''}.`
    } catch (error) {
      told.value = error instanceof ImportError ? error.message : 'The file could not be read.'
    }
    input.value = ''
  }

  return (
    <div class="chat-files">
      <Button onClick={() => void save()}>Export</Button>
      <Button onClick={() => file.current!.click()}>Import</Button>
      <input
        ref={file}
        type="file"
        accept=".json"
        hidden
        aria-label="A file of conversations"
        onChange={(event) => void take(event.currentTarget)}
      />
    </div>
  )
}
