// Conversations leave this browser as a file and come back from one.

import { type Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { type Chat } from '../../state/chat.ts'
import { imported, ImportError } from '../../state/exchange.ts'

export function Files({ chat, told }: { chat: Chat; told: Signal<string> }) {
  const file = useRef<HTMLInputElement>(null)

  async function save(): Promise<void> {
    const parts: string[] = []
    for await (const part of chat.history.export()) parts.push(part)
    const url = URL.createObjectURL(new Blob(parts, { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `islet-chats-${new Date().toISOString().slice(0, 10)}.json`
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 10_000)
    told.value = 'Exported.'
  }

  async function take(input: HTMLInputElement): Promise<void> {
    const [chosen] = input.files ?? []
    if (!chosen) return
    try {
      const { added, known } = await chat.take(imported(await chosen.text()))
      told.value = `Imported ${added}${known > 0 ? `; ${known} were here already` : ''}.`
    } catch (error) {
      told.value = error instanceof ImportError ? error.message : 'The file could not be read.'
    }
    input.value = ''
  }

  return (
    <div class="chat-files">
      <button class="button quiet" onClick={() => void save()}>
        Export
      </button>
      <button class="button quiet" onClick={() => file.current!.click()}>
        Import
      </button>
      <input
        ref={file}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="A file of conversations"
        onChange={(event) => void take(event.currentTarget)}
      />
    </div>
  )
}
