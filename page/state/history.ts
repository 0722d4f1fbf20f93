// History keeps conversations in IndexedDB, their messages apart, so that a list loads no message.

import { exported, type Exchanged } from './exchange.ts'
import { type Conversation, type Message } from './tree.ts'

type Row = { conversation: string; message: Message }
type Key = [conversation: string, message: string]

/** Where the rows lie. All writes of one call become true together. */
export type Store = {
  /** False where all is gone with the page. */
  readonly lasting: boolean
  conversations(): Promise<Conversation[]>
  messages(conversation: string): Promise<Message[]>
  /** Some rows behind a key, in the order of keys. */
  rows(after: Key | undefined, limit: number): Promise<Row[]>
  put(conversations: readonly Conversation[], rows: readonly Row[]): Promise<void>
  remove(conversation: string): Promise<void>
  clear(): Promise<void>
}

/** A conversation that has what was searched for, with the place in its text if it is not in the title. */
export type Found = { conversation: Conversation; excerpt?: string }

export type History = {
  readonly lasting: boolean
  /** All conversations, those used last first. */
  list(): Promise<Conversation[]>
  messages(conversation: string): Promise<Message[]>
  save(conversation: Conversation, messages?: readonly Message[]): Promise<void>
  remove(conversation: string): Promise<void>
  clear(): Promise<void>
  /** Conversations whose title or texts have all the words, in the order of the list. */
  search(words: string, signal?: AbortSignal): Promise<Found[]>
  /** The file of all conversations, in parts. */
  export(): AsyncGenerator<string>
  /** Takes conversations in that are not there yet; how many were. */
  import(read: readonly Exchanged[]): Promise<{ added: number; known: number }>
}

/** Rows that a search reads at once: some 10 ms, so that typing never waits for it. */
const BATCH = 400

/** Characters in front of a word that was found, and behind it. */
const AROUND = 40

/** The history of this browser, or one in memory where the browser has none or forbids it. */
export async function openHistory(
  factory = globalThis.indexedDB as IDBFactory | undefined,
): Promise<History> {
  return historyOf(factory ? await indexedStore(factory).catch(memoryStore) : memoryStore())
}

export function historyOf(store: Store): History {
  const list = async (): Promise<Conversation[]> =>
    (await store.conversations()).sort((a, b) => b.usedAt - a.usedAt)

  async function* allRows(signal?: AbortSignal): AsyncGenerator<Row[]> {
    let after: Key | undefined
    for (;;) {
      const rows = await store.rows(after, BATCH)
      signal?.throwIfAborted()
      const last = rows.at(-1)
      if (!last) return
      yield rows
      after = [last.conversation, last.message.id]
    }
  }

  async function search(words: string, signal?: AbortSignal): Promise<Found[]> {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
    const found = new Map<string, string | undefined>()
    const conversations = await list()
    for (const { id, title } of conversations) if (hasAll(title, wanted)) found.set(id, undefined)
    for await (const rows of allRows(signal))
      for (const { conversation, message } of rows)
        if (!found.has(conversation) && hasAll(message.text, wanted))
          found.set(conversation, excerptOf(message.text, wanted[0] ?? ''))
    return conversations
      .filter(({ id }) => found.has(id))
      .map((conversation) => {
        const excerpt = found.get(conversation.id)
        return { conversation, ...(excerpt !== undefined && { excerpt }) }
      })
  }

  async function* everything(): AsyncGenerator<Exchanged> {
    for (const conversation of await list())
      yield { conversation, messages: await store.messages(conversation.id) }
  }

  return {
    lasting: store.lasting,
    list,
    search,
    messages: store.messages,
    save: (conversation, messages = []) =>
      store.put(
        [conversation],
        messages.map((message) => ({ conversation: conversation.id, message })),
      ),
    remove: store.remove,
    clear: store.clear,
    export: () => exported(everything()),
    async import(read) {
      const known = new Set((await store.conversations()).map(({ id }) => id))
      let added = 0
      for (const { conversation, messages } of read) {
        if (known.has(conversation.id)) continue
        known.add(conversation.id)
        const rows = messages.map((message) => ({ conversation: conversation.id, message }))
        await store.put([conversation], rows)
        added++
      }
      return { added, known: read.length - added }
    },
  }
}

function hasAll(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase()
  return words.every((word) => lower.includes(word))
}

function excerptOf(text: string, word: string): string {
  const at = text.toLowerCase().indexOf(word)
  const from = Math.max(0, at - AROUND)
  const to = at + word.length + AROUND
  return `${from > 0 ? '…' : ''}${text.slice(from, to).replace(/\s+/g, ' ').trim()}${to < text.length ? '…' : ''}`
}

/** Rows that go with the page. They are copied in and out, as a database does. */
export function memoryStore(): Store {
  const conversations = new Map<string, Conversation>()
  const rows = new Map<string, Row>()
  const keyOf = (key: Key): string => key.join('\0')
  return {
    lasting: false,
    conversations: async () => structuredClone([...conversations.values()]),
    messages: async (id) =>
      structuredClone([...rows.values()].flatMap((row) => (row.conversation === id ? [row.message] : []))),
    async rows(after, limit) {
      const behind = [...rows.keys()].sort().filter((key) => !after || key > keyOf(after))
      return behind.slice(0, limit).map((key) => structuredClone(rows.get(key)!))
    },
    async put(those, messages) {
      for (const each of those) conversations.set(each.id, structuredClone(each))
      for (const row of messages) rows.set(keyOf([row.conversation, row.message.id]), structuredClone(row))
    },
    async remove(id) {
      conversations.delete(id)
      for (const [key, row] of rows) if (row.conversation === id) rows.delete(key)
    },
    async clear() {
      conversations.clear()
      rows.clear()
    },
  }
}

const [CONVERSATIONS, MESSAGES] = ['conversations', 'messages']

/** Rows in IndexedDB. Rejects where the browser forbids it. */
async function indexedStore(factory: IDBFactory): Promise<Store> {
  const opening = factory.open('islet', 1)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(CONVERSATIONS, { keyPath: 'id' })
    opening.result.createObjectStore(MESSAGES, { keyPath: ['conversation', 'message.id'] })
  }
  const database = await done(opening)
  // Another tab has a newer page, and waits for this one to let go.
  database.onversionchange = () => database.close()

  const read = <T>(name: string, ask: (store: IDBObjectStore) => IDBRequest): Promise<T> =>
    done(ask(database.transaction(name).objectStore(name)) as IDBRequest<T>)
  const write = (change: (conversations: IDBObjectStore, messages: IDBObjectStore) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction([CONVERSATIONS, MESSAGES], 'readwrite')
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new Error('The browser did not store it.'))
      change(transaction.objectStore(CONVERSATIONS), transaction.objectStore(MESSAGES))
    })
  const ofConversation = (id: string): IDBKeyRange => IDBKeyRange.bound([id], [id, []])

  return {
    lasting: true,
    conversations: () => read<Conversation[]>(CONVERSATIONS, (store) => store.getAll()),
    messages: async (id) =>
      (await read<Row[]>(MESSAGES, (store) => store.getAll(ofConversation(id)))).map(
        ({ message }) => message,
      ),
    rows: (after, limit) =>
      read<Row[]>(MESSAGES, (store) => store.getAll(after && IDBKeyRange.lowerBound(after, true), limit)),
    put: (conversations, rows) =>
      write((toConversations, toMessages) => {
        for (const conversation of conversations) toConversations.put(conversation)
        for (const row of rows) toMessages.put(row)
      }),
    remove: (id) =>
      write((conversations, messages) => {
        conversations.delete(id)
        messages.delete(ofConversation(id))
      }),
    clear: () =>
      write((conversations, messages) => {
        conversations.clear()
        messages.clear()
      }),
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('The browser did not answer.'))
  })
}
