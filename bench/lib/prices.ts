// Prices are what Cloudflare publishes for its paid plan, each for one of what it is for, in US dollars.
// Read on 2026-11-30 in stored copies of the text behind its pricing pages (github.com/cloudflare/cloudflare-docs): requests, duration, rows
// and stored bytes of objects in src/content/partials/durable-objects/durable-objects-pricing.mdx at 07e200b7, requests and CPU of a
// Worker in src/content/docs/workers/platform/pricing.mdx at 07acbb66. What a plan includes is not taken off.

export const PRICES = {
  /** Of a Durable Object that is awake; idle in memory counts where it could not hibernate. */
  gigabyteSecond: 12.5 / 1e6,
  rowWritten: 1 / 1e6,
  rowRead: 0.001 / 1e6,
  workerRequest: 0.3 / 1e6,
  workerCpuMs: 0.02 / 1e6,
  /** An RPC session is one, however many calls are made on what its first call has returned. An alarm is one too. */
  objectRequest: 0.15 / 1e6,
  gigabyteMonth: 0.2,
} as const

export const PRICES_READ = '2026-11-30'

/** A Durable Object is billed for wall-clock time at this size, whatever it uses. */
export const BILLED_GB = 0.128

export const MONTH_SECONDS = 30 * 86_400
