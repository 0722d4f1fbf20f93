// A turn's entry is what the ledger knows of it: who is charged how much, and which pages it needs.

/** What a turn takes beside the bytes of its row: keys, indexes, and its entry. */
export const TURN_BYTES = 1024

export type TurnId = { session: string; turn: string }

/**
 * `bytes` are charged until they change; `run` is the last run of its pages, `part` what it shares with its
 * forks; `body` is the hash of the request's body.
 */
export type TurnEntry = TurnId & {
  tenant: string
  used: number
  bytes: number
  run?: number
  part?: number
  model: string
  body: string
}
