// The results of a run over real clients: what each scenario came to, as docs/results/clients.json has it.

import { ROOT } from '../tools/root.ts'

/** What is asked of a client: talk, a value, a call that must come, one that may, probabilities, vectors, or an error in its own words. */
export const KINDS = ['talk', 'object', 'forced', 'auto', 'decision', 'embedding', 'errors', 'other'] as const
export type Kind = (typeof KINDS)[number]

export type Outcome = {
  kind: Kind
  name: string
  ok: boolean
  /** Why it was expected not to work. */
  miss?: string
  /** What the client said, where it did not. */
  error?: string
}

export type ClientResult = {
  id: string
  /** Its pinned packages. */
  packages: readonly string[]
  /** How the program of the cookbook ended, if there is one. */
  program?: { ok: boolean; error?: string }
  scenarios: Outcome[]
}

export type ClientResults = { model: string; clients: ClientResult[] }

export const RESULTS_FILE = `${ROOT}docs/results/clients.json`
