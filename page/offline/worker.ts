// The service worker keeps the page's own files, so that the page opens when the server is away. No answer is ever kept.

export {}

declare const self: ServiceWorkerGlobalScope
/** Put in by the build: the address of each file of the page, whose names change with their content. */
declare const FILES: readonly string[]

const CACHE = `page ${FILES.join(' ')}`

self.oninstall = (event) => event.waitUntil(fill())
self.onactivate = (event) => event.waitUntil(clear())
self.onfetch = (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin) return
  if (request.mode === 'navigate' && pathname === '/') event.respondWith(fresh(request))
  else if (FILES.includes(pathname)) event.respondWith(kept(request))
}

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE)
  await cache.addAll([index(), ...FILES])
  await self.skipWaiting()
}

/** The same address answers programs with JSON: the header asks for the page. */
function index(): Request {
  return new Request('/', { headers: { accept: 'text/html' }, cache: 'no-cache' })
}

async function clear(): Promise<void> {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name)
  await self.clients.claim()
}

/** The page of the server; the kept one where that does not answer. */
async function fresh(request: Request): Promise<Response> {
  const response = await fetch(request).catch(() => Response.error())
  return response.type !== 'error' && response.status < 500 ? response : kept(index(), response)
}

async function kept(request: Request, otherwise?: Response): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? otherwise ?? fetch(request)
}
