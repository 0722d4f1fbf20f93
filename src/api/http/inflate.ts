// This stream inflates a compressed body little by little, so that its reader can stop at a limit.

/** At most 1032 times as much comes out of it: four megabytes, whatever is sent. */
const SLICE = 4096

/**
 * The inflated bytes of `source`. workerd's DecompressionStream knows no back pressure: all that it is given it inflates at
 * once into memory. So it gets a slice at a time, the next one when its reader has waited in vain for a turn of the event loop.
 * It errs where the bytes are not of that format, cut off, or where `source` errs.
 */
export function inflated(
  source: ReadableStream<Uint8Array>,
  format: 'gzip' | 'deflate',
): ReadableStream<Uint8Array> {
  const { readable, writable } = new DecompressionStream(format)
  const [from, into, out] = [source.getReader(), writable.getWriter(), readable.getReader()]
  let taken = 0
  let waiting = false

  async function readerWaits(): Promise<void> {
    for (let before = -1; !waiting || before !== taken;) {
      before = taken
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
  }

  async function feed(): Promise<void> {
    let last = new Uint8Array(0)
    for (;;) {
      const { done, value } = await from.read()
      if (done) break
      for (let at = 0; at < value.byteLength; at += SLICE) {
        if (last.byteLength > 0) {
          await into.write(last)
          await readerWaits()
        }
        last = value.slice(at, at + SLICE)
      }
    }
    await into.write(last)
    await into.close()
  }

  let fed: Promise<void> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // What fails here fails the read below.
        fed ??= feed().catch((error: unknown) => into.abort(error).catch(() => undefined))
        waiting = true
        const { done, value } = await out.read()
        waiting = false
        taken++
        if (done) controller.close()
        else controller.enqueue(value as Uint8Array)
      },
      async cancel(reason) {
        await Promise.allSettled([from.cancel(reason), out.cancel(reason)])
      },
    },
    { highWaterMark: 0 },
  )
}
