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
  save(conversation: Conversation, messages?: readonly Message[]): Promise<void>
  remove(conversation: string): Promise<void>
  clear(): Promise<void>
}

/** A conversation that has what was searched for, with the place in its text if it is not in the title. */
export type Found = { conversation: Conversation; excerpt?: string }

export type History = Store & {
  /** All conversations, those used last first. */
  list(): Promise<Conversation[]>
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
  return {
    ...store,
    list,
    async search(words, signal) {
      const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
      const hasAll = (text: string): boolean => {
        const lower = text.toLowerCase()
        return wanted.every((word) => lower.includes(word))
      }
      const conversations = await list()
      const found = new Map<string, string | undefined>()
      for (const { id, title } of conversations) if (hasAll(title)) found.set(id, undefined)
      let after: Key | undefined
      for (let rows: Row[]; (rows = await store.rows(after, BATCH)).length > 0;) {
        signal?.throwIfAborted()
        for (const { conversation, message } of rows) {
          after = [conversation, message.id]
          if (!found.has(conversation) && hasAll(message.text))
            found.set(conversation, excerptOf(message.text, wanted[0]))
        }
      }
      return conversations
        .filter(({ id }) => found.has(id))
        .map((conversation) => ({ conversation, excerpt: found.get(conversation.id) }))
    },
    async *export() {
      yield* exported(await list(), store.messages)
    },
    async import(read) {
      const known = new Set((await store.conversations()).map(({ id }) => id))
      const before = known.size
      for (const { conversation, messages } of read)
        if (!known.has(conversation.id)) {
          known.add(conversation.id)
          await store.save(conversation, messages)
        }
      const added = known.size - before
      return { added, known: read.length - added }
    },
  }
}

function excerptOf(text: string, word = ''): string {
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
  const sorted = (): Row[] => [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  return {
    lasting: false,
    conversations: async () => structuredClone([...conversations.values()]),
    messages: async (id) =>
      structuredClone([...rows.values()].flatMap((row) => (row.conversation === id ? row.message : []))),
    rows: async (after, limit) =>
      structuredClone(
        sorted()
          .filter(({ conversation, message }) => !after || keyOf([conversation, message.id]) > keyOf(after))
          .slice(0, limit),
      ),
    async save(conversation, messages = []) {
      const { id } = conversation
      conversations.set(id, structuredClone(conversation))
      for (const message of messages)
        rows.set(keyOf([id, message.id]), structuredClone({ conversation: id, message }))
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

const STORES = ['conversations', 'messages']

/** Rows in IndexedDB. Rejects where the browser forbids it. */
async function indexedStore(factory: IDBFactory): Promise<Store> {
  const opening = factory.open('islet', 1)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(STORES[0], { keyPath: 'id' })
    opening.result.createObjectStore(STORES[1], { keyPath: ['conversation', 'message.id'] })
  }
  const database = await done(opening)
  // Another tab has a newer page, and waits for this one to let go.
  database.onversionchange = () => database.close()

  const all = <T>(at: number, range?: IDBKeyRange, limit?: number): Promise<T[]> =>
    done(database.transaction(STORES).objectStore(STORES[at]).getAll(range, limit) as IDBRequest<T[]>)
  const write = (change: (conversations: IDBObjectStore, messages: IDBObjectStore) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(STORES, 'readwrite')
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error!)
      change(transaction.objectStore(STORES[0]), transaction.objectStore(STORES[1]))
    })
  const ofConversation = (id: string): IDBKeyRange => IDBKeyRange.bound([id], [id, []])

  return {
    lasting: true,
    conversations: () => all<Conversation>(0),
    messages: async (id) => (await all<Row>(1, ofConversation(id))).map(({ message }) => message),
    rows: (after, limit) => all<Row>(1, after && IDBKeyRange.lowerBound(after, true), limit),
    save: (conversation, messages = []) =>
      write((toConversations, toMessages) => {
        toConversations.put(conversation)
        for (const message of messages) toMessages.put({ conversation: conversation.id, message })
      }),
    remove: (id) =>
      write((conversations, messages) => {
        conversations.delete(id)
        messages.delete(ofConversation(id))
      }),
    clear: () =>
      write((...stores) => {
        for (const store of stores) store.clear()
      }),
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })
}
