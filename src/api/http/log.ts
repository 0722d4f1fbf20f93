// One line of JSON for each failure that is ours, with what the client is never shown.

import { errorCode, isUserCode } from '../../lib/errors.ts'
import type { ApiContext, ApiDeps } from '../context.ts'

/** They say what the deployment can take, not where it is broken. */
const WITHOUT_STACK: readonly string[] = ['overloaded', 'model_loading']

/** Logs a failure of ours with its request's id; mistakes of the caller are answered, not logged. */
export function reportFailure(deps: ApiDeps, c: ApiContext, thrown: unknown): void {
  const code = errorCode(thrown)
  if (isUserCode(code)) return
  const { message, stack, facts } = (thrown ?? {}) as { message?: unknown; stack?: unknown; facts?: unknown }
  const log = deps.log ?? ((entry) => console.error(JSON.stringify(entry)))
  log({
    requestId: c.var.requestId,
    path: c.req.path,
    code,
    message: message ?? String(thrown),
    facts,
    ...(!WITHOUT_STACK.includes(code) && { stack }),
  })
}
