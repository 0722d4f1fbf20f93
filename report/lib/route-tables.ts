// The table of endpoints in README.md and docs/api.md comes from the API's own route table.

import { plainPath, ROUTES } from '../../src/api/routes.ts'

/** The block `routes`: every endpoint with what it does. */
export function routeBlocks(): [name: string, text: string][] {
  const rows = ROUTES.map(({ method, path, summary }) => `| \`${method} ${plainPath(path)}\` | ${summary} |`)
  return [['routes', ['| route | what it does |', '|---|---|', ...rows].join('\n')]]
}
