// The names of all filters stand apart from them, for the test `filter`, since filters use tests.

/** Filled by filters.ts. */
export const FILTER_NAMES = new Set<string>()
