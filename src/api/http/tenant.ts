// A tenant is whoever sessions belong to: the hash of a key, or a name that a deployment gives.

const MAX_TENANT = 128

/** The tenant as it is. Throws Error where `what`, which names it, has none: a mistake of the deployment, not of a caller. */
export function checkTenant(tenant: unknown, what: string): string {
  if (typeof tenant === 'string' && tenant !== '' && tenant.length <= MAX_TENANT) return tenant
  throw new Error(`${what} must be a string of 1 to ${MAX_TENANT} characters`)
}
