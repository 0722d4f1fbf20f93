// The progress bar goes to standard error: one line redrawn on a terminal, a few lines elsewhere.

const WIDTH = 30

export type Progress = { update(done: number, total: number): void; finish(): void }

/** A bar that says `label`, counting megabytes (10^6 bytes) unless `count` says it otherwise. */
export function progressBar(
  label: string,
  stream: NodeJS.WriteStream = process.stderr,
  count = (done: number, total: number): string => `${megabytes(done)} of ${megabytes(total)} MB`,
): Progress {
  let shown = -1
  return {
    update(done, total) {
      const share = total === 0 ? 1 : Math.min(1, done / total)
      // Every percent on a terminal, every quarter in a log.
      const step = Math.floor(share * (stream.isTTY ? 100 : 4))
      if (step === shown) return
      shown = step
      const size = count(done, total)
      if (!stream.isTTY) {
        stream.write(`${label}: ${Math.floor(share * 100)} % (${size})\n`)
        return
      }
      const full = Math.round(share * WIDTH)
      stream.write(`\r${label} [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${size}`)
    },
    finish() {
      if (stream.isTTY && shown >= 0) stream.write('\n')
    },
  }
}

/** Bytes as megabytes with one decimal. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
