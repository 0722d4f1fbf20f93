// When a lane's object is to be woken. It has one alarm: the earliest time that anyone asked for.

export class Alarm {
  readonly #set: (time: number) => void
  #at = Infinity

  /** `set` replaces the object's alarm. Times are milliseconds since 1970. */
  constructor(set: (time: number) => void) {
    this.#set = set
  }

  /** By `time` at the latest. */
  wake(time: number): void {
    if (time >= this.#at) return
    this.#at = time
    this.#set(time)
  }

  /** It is set to that already: the object before this one did so. */
  isSet(time: number): void {
    this.#at = time
  }

  /** It rang, or what it was set for is done: the next time that is asked for counts. */
  forget(): void {
    this.#at = Infinity
  }
}
