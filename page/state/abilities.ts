// The abilities of the served model are what the server says that it can do, beside what GET /v1/models tells.

import { signal } from '@preact/signals'
import { callJson } from '../client/server.ts'
import { server } from './server.ts'

const WORDS: Readonly<Record<string, string>> = {
  completion: 'chat and text',
  tools: 'calls of functions',
  embedding: 'vectors of texts',
  thinking: 'thoughts',
}

/** In words; undefined before they are known. */
export const abilities = signal<readonly string[] | undefined>(undefined)

/** Asks for those of the model `id`; where the server does not say they stay unknown. */
export async function askAbilities(id: string): Promise<void> {
  type Shown = { capabilities?: string[] }
  const { capabilities } = await callJson<Shown>(server.peek(), 'POST', '/api/show', { model: id }).catch(
    (): Shown => ({}),
  )
  abilities.value = capabilities?.map((name) => WORDS[name] ?? name)
}
