// The table of laws is what a host's Sql must obey, by name: a law is told to workerd by its name.

import { STORE_LAWS } from './store-laws.ts'
import { COUNTING_LAWS, VALUE_LAWS, type Law } from './value-laws.ts'

/** Of every host. */
export const LAWS: Record<string, Law> = { ...VALUE_LAWS, ...STORE_LAWS }

/** Of hosts that count rows. */
export const COUNTED: Record<string, Law> = COUNTING_LAWS
