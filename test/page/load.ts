// Much of a chat, for tests and the benchmark of the page: a recorded answer in tokens, and conversations as a file to import.

/** Words, lists and code as a model writes them, a token each. */
export function tokensOf(count: number): string[] {
  const text =
    '## Section\n\nThe tide comes in twice a day, since the **moon** pulls the water and the earth turns below it. `high` and `low` follow.\n\n- one thing to say about it\n- another thing [here](https://example.com/)\n\n```ts\nconst tide = (hour: number): number => hour * 2\n```\n\n'
  const pieces = text.split(/(?<= )|(?=\n)/)
  return Array.from({ length: count }, (_, at) => pieces[at % pieces.length])
}

export type StoredMessage = {
  id: string
  parent: string | null
  role: string
  text: string
  at: number
  answer?: object
}

/** Questions and answers in turn, as an export has them. */
export function conversation(id: string, messages: number): { id: string; messages: StoredMessage[] } {
  const list = Array.from({ length: messages }, (_, at): StoredMessage => {
    const isUser = at % 2 === 0
    const text = isUser ? `Question ${at} of ${id}` : tokensOf(80).join('')
    return {
      id: `m${at}`,
      parent: at === 0 ? null : `m${at - 1}`,
      role: isUser ? 'user' : 'assistant',
      text,
      at: at + 1,
      ...(!isUser && { answer: { state: 'done', sampling: {}, frames: 9, tokens: 80, perSecond: 30 } }),
    }
  })
  return { id, ...{ title: `Conversation ${id}`, createdAt: 1, usedAt: 1 }, messages: list }
}

/** A file that the page imports. */
export function fileOf(conversations: object[]): { name: string; mimeType: string; buffer: Buffer } {
  const text = JSON.stringify({ format: 'islet-conversations', version: 1, conversations })
  return { name: 'x.json', mimeType: 'application/json', buffer: Buffer.from(text) }
}
