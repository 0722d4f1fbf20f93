// These are the calls between a lane and the stages of its chain: RPC alone, and never a fetch beside it.

import type { OpenedStage, StageCall, StageReply, StageSetup } from './messages.ts'

/** One RPC session of a lane with a stage: billed as one request however many calls it has, which are answered in their order. */
export type StageSession = { call(message: StageCall): Promise<StageReply> }

/** To dispose of it ends the session; absent where the host has no such thing. */
export type OpenReply = OpenedStage & { session?: StageSession; [Symbol.dispose]?(): void }

/** A stage for its operators. */
export type StageReport = {
  state: 'ready' | 'loading' | 'cold'
  /** Bytes of weights read, of `total`. */
  done: number
  total: number
  linearMemoryBytes: number
  storage: { runs: number; bytes: number }
}

/** What the object of a stage answers. */
export type StageMethods = {
  /** Loads the stage, if it must, and gives a session. */
  open(setup: StageSetup): Promise<OpenReply>
  report(): Promise<StageReport>
}

/** A stage as the lane reaches it: each call of `connect` gives a new stub, since one that has failed stays broken. */
export type StageDoor = { connect(): StageMethods }
