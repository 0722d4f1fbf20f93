// Engine options say how the host of an engine keeps time and what its steps leave room for.

export type EngineOptions = {
  /**
   * Turns that may wait, shared among tenants (queue-share.ts); one more is `overloaded`. Default: any
   * number.
   */
  queueLimit?: number
  /** Milliseconds, any origin. Default: the host's clock. */
  now?: () => number
  /**
   * Whether other tenants may come at any moment, so that steps of one alone are short (scheduler.ts).
   * Default: no.
   */
  isShared?: () => boolean
  /** Rows of a step in which somebody waits for the token of an answer, at most. Default: as others. */
  rowsBesideAnswers?: number
}
