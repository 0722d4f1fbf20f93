// The filters that a template can name, gathered from the files that define them.

import type { Bound } from './bind.ts'
import { FILTER_NAMES } from './filter-names.ts'
import { NUMBER_FILTERS } from './filters-numbers.ts'
import { ORDER_FILTERS } from './filters-order.ts'
import { SEQUENCE_FILTERS } from './filters-sequences.ts'
import { TEXT_FILTERS } from './filters-text.ts'
import { URL_FILTERS } from './filters-url.ts'
import { selectors } from './select.ts'

export const FILTERS: ReadonlyMap<string, Bound> = new Map([
  ...[...TEXT_FILTERS, ...URL_FILTERS, ...SEQUENCE_FILTERS, ...ORDER_FILTERS, ...NUMBER_FILTERS],
  ...selectors((name) => FILTERS.get(name)),
])
for (const name of FILTERS.keys()) FILTER_NAMES.add(name)
