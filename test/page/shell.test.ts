// The shell in Chromium, over the built worker with the embedded model.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings, named, noBrowser, overflow, workerBed, type WorkerBed } from './harness.ts'

describe.skipIf(noBrowser !== undefined)(named('the shell'), () => {
  let bed: WorkerBed
  beforeAll(async () => void (bed = await workerBed()))
  afterAll(() => bed?.close())

  it('opens without an error of a script or of its policy', async () => {
    const { page, context, errors } = await bed.open()
    await page.waitForTimeout(500)
    expect(errors).toEqual([])
    expect(await overflow(page)).toBe(0)
    await context.close()
  })

  it('has no findings of axe', async () => {
    const { page, context } = await bed.open()
    expect(await axeFindings(page)).toEqual([])
    await context.close()
  })
})
