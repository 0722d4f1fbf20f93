// The service worker keeps the page's own files, so that the page opens when the server is away. No answer is ever kept.

export {}

declare const self: ServiceWorkerGlobalScope
/** Put in by the build: the address of each file of the page, whose names change with their content. */
declare const FILES: readonly string[]

const CACHE = `page ${FILES.join(' ')}`

self.addEventListener('install', (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(clear().then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin) return
  if (request.mode === 'navigate' && pathname === '/') event.respondWith(fresh(request))
  else if (FILES.includes(pathname)) event.respondWith(kept(request))
})

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE)
  await cache.addAll([index(), ...FILES])
}

/** The same address answers programs with JSON: the header asks for the page. */
function index(): Request {
  return new Request('/', { headers: { accept: 'text/html' }, cache: 'no-cache' })
}

async function clear(): Promise<void> {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name)
}

/** The page of the server; the kept one where that does not answer. */
async function fresh(request: Request): Promise<Response> {
  try {
    const response = await fetch(request)
    if (response.status < 500) return response
  } catch {
    // Away: the kept one is as good.
  }
  return (await caches.match(index(), { ignoreVary: true })) ?? Response.error()
}

async function kept(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request)
}
