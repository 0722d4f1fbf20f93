// The unread queue holds the turns that wait to go on in the background, and takes of all tenants in turns.

/** The ids of a turn. */
export type UnreadTurn = { tenant: string; turn: string }

export class UnreadQueue {
  /** Ids of turns by tenant; the tenant that comes next is the first. */
  readonly #waiting = new Map<string, Set<string>>()

  /** Puts a turn behind its tenant's others, unless it is there. */
  add({ tenant, turn }: UnreadTurn): void {
    const turns = this.#waiting.get(tenant)
    if (turns === undefined) this.#waiting.set(tenant, new Set([turn]))
    else turns.add(turn)
  }

  /** Takes the first turn of the tenant whose turn it is; undefined when none is left. */
  take(): UnreadTurn | undefined {
    for (const [tenant, turns] of this.#waiting) {
      this.#waiting.delete(tenant)
      const [turn] = turns
      turns.delete(turn)
      if (turns.size > 0) this.#waiting.set(tenant, turns)
      return { tenant, turn }
    }
    return undefined
  }

  clear(): void {
    this.#waiting.clear()
  }
}
