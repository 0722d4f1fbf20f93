// The abilities of the served model are what the server says that it can do.

import van from 'vanjs-core'
import { callJson } from '../client/server.ts'
import { server } from './server.ts'

const WORDS: Readonly<Record<string, string>> = {
  completion: 'chat and text',
  tools: 'calls of functions',
  embedding: 'vectors of texts',
}

/** In words; undefined while they are not known. */
export const abilities = van.state<string | undefined>()

/** Asks for those of the model `id`; where the server does not say they are not known. */
export async function askAbilities(id: string): Promise<void> {
  const shown = callJson<{ capabilities: string[] }>(server(), 'POST', '/api/show', { model: id })
  abilities.val = await shown.then(
    ({ capabilities }) => capabilities.map((name) => WORDS[name] ?? name).join(', '),
    () => undefined,
  )
}
