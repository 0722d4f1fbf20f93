// A page's side of lib/chromium.ts: takes the job, does it, reports what came out or what went wrong.

type Report = { result: unknown } | { error: string }

/** Runs `work` on the job of this page and reports. */
export async function answer<Job>(work: (job: Job) => Promise<unknown>): Promise<void> {
  let report: Report
  try {
    const response = await fetch('/job')
    report = { result: await work((await response.json()) as Job) }
  } catch (error) {
    report = { error: error instanceof Error ? `${error.message} ${error.stack ?? ''}` : String(error) }
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify(report) })
}

/** A whole file of the server. */
export async function bytesOf(path: string): Promise<ArrayBuffer> {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path}: status ${response.status}`)
  return await response.arrayBuffer()
}
