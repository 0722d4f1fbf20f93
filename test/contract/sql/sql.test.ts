// Every host's SQLite keeps the laws that the stores rely on, and the stores keep theirs on every host.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOSTS } from './hosts.ts'

describe.each(HOSTS)('$name', ({ laws, start }) => {
  let host: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    host = await start()
  })
  afterAll(() => host?.stop())

  it.each(laws)('%s', (law) => host.run(law))

  it('tells of a law that is broken, or that there is none', async () => {
    await expect(host.run('no such law')).rejects.toThrow()
  })
})
