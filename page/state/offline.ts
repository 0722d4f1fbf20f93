// This module registers the service worker that keeps the page's files for when the server is away.

/** Trusted Types, as far as this page needs them: browsers without them have no `trustedTypes`. */
type TrustedTypes = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): string
  }
}

const SERVICE_WORKER = '/play/sw.js'

/** Does nothing where the browser has no service workers, or not for this address. */
export function keepOffline(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  // The one script that is loaded by address: all others are in the page's own HTML.
  const policy = trustedTypes?.createPolicy('islet', { createScriptURL: () => SERVICE_WORKER })
  const url = policy?.createScriptURL(SERVICE_WORKER) ?? SERVICE_WORKER
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined
  container?.register(url, { scope: '/' }).catch(() => undefined)
}
