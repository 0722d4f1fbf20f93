// This Worker is the assets of another one, behind a link of a set rate: it asks the server of bench/lib/slow-link.ts.

type Env = { ORIGIN: string }

export default {
  fetch: (request, { ORIGIN }) => fetch(new URL(new URL(request.url).pathname, ORIGIN)),
} satisfies ExportedHandler<Env>
