// The platform's limits, in bytes, are stated here once, with the relation between them.

/** Where the platform ends an isolate. */
export const PLATFORM_BYTES = 128e6

/**
 * What an isolate may hold at its peak: the platform ends it at 128 MB, and what cannot be seen locally is
 * left free. It is the sum of linear memory, the tokenizer's arrays, and the JavaScript heap with its
 * buffers.
 */
export const ISOLATE_BYTES = 120e6

/**
 * JavaScript heap and buffers beside linear memory and the tokenizer: as measured at the peak
 * (docs/performance.md).
 */
export const JS_BYTES = 11e6

/**
 * The largest plan of linear memory that a lane takes. It leaves 8 MB of ISOLATE_BYTES, which is less than
 * JS_BYTES: a plan this large may pass ISOLATE_BYTES by 3 MB and the tokenizer at the peak.
 */
export const LINEAR_BYTES = 112e6

/**
 * KV pages beyond those of one sequence are made up to here: what is above stays free for several sessions at once and for
 * an app in the same isolate, whose garbage waits for the host (docs/memory.md).
 */
export const POOL_BYTES = 98e6

/**
 * What one row of a lane's storage may hold: the platform's 2 MB, all columns together, less the small
 * columns.
 */
export const ROW_BYTES = 1.9e6
