// A dying stage is one whose object aborts itself each time it has answered so many calls, which the variable ABORT_AFTER says.

import { RpcTarget } from 'cloudflare:workers'
import type { StageSession } from '../../src/chain/calls.ts'
import type { StageCall, StageReply, StageSetup } from '../../src/chain/messages.ts'
import { StageObject as Stage } from '../../src/stage.ts'

/** Of all objects of the isolate, one after the other. */
let calls = 0

export class StageObject extends Stage {
  readonly #abortAfter: number

  constructor(
    ctx: DurableObjectState,
    env: ConstructorParameters<typeof Stage>[1] & { ABORT_AFTER?: string },
  ) {
    super(ctx, env)
    this.#abortAfter = Number(env.ABORT_AFTER)
  }

  override async open(setup: StageSetup) {
    const opened = await super.open(setup)
    if (opened.session === undefined) return opened
    const onCall = (): void => {
      if (++calls % this.#abortAfter !== 0) return
      console.log('aborted for a test')
      this.ctx.abort('for a test')
    }
    return { ...opened, session: new DyingSession(opened.session, onCall) }
  }
}

class DyingSession extends RpcTarget implements StageSession {
  readonly #inner: StageSession
  readonly #onCall: () => void

  constructor(inner: StageSession, onCall: () => void) {
    super()
    this.#inner = inner
    this.#onCall = onCall
  }

  call(message: StageCall): Promise<StageReply> {
    this.#onCall()
    return this.#inner.call(message)
  }
}

export default { fetch: () => new Response(null, { status: 404 }) }
