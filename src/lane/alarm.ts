// An alarm keeps the earliest time at which anyone asked for a lane's object to be woken.

export class Alarm {
  readonly #set: (time: number) => void
  #at = Infinity

  /** `set` replaces the object's alarm. Times are milliseconds since 1970. */
  constructor(set: (time: number) => void) {
    this.#set = set
  }

  /** Wakes the object at `time` or earlier. */
  wake(time: number): void {
    if (time >= this.#at) return
    this.#at = time
    this.#set(time)
  }

  /** The platform's alarm is set to `time` already, by the object before this one. */
  isSet(time: number): void {
    this.#at = time
  }

  /** The alarm rang, or its work is done: the next `wake` sets it anew. */
  forget(): void {
    this.#at = Infinity
  }
}
