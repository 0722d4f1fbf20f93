// A queue share is what one tenant may hold of a queue's places while others want some.

/**
 * Whether `tenant` may take one more place of a queue; `holders` has the tenant of each place that is taken.
 * Any free place will do. When all `limit` are taken a tenant may still have as many as an equal share,
 * beyond the limit: so one that is alone has them all, and one that holds more than its share turns nobody
 * away but itself. k tenants hold `limit` (1 + 1/2 + ... + 1/k) places at most, or k where that is more.
 */
export function hasPlace(holders: readonly string[], tenant: string, limit: number): boolean {
  if (holders.length < limit) return true
  const tenants = new Set([...holders, tenant]).size
  const held = holders.filter((holder) => holder === tenant).length
  return held < Math.max(1, Math.floor(limit / tenants))
}
