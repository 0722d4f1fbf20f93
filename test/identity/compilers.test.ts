// The same logits bits from both compilers of V8, on x86 with all of its instructions and without AVX.

import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT } from '../helpers/worker.ts'

function hashWith(flags: readonly string[]): string {
  const args = [...flags, 'cli/main.ts', 'generate', TINY_FOLDER, '--json', '--max-tokens', '8']
  const run = spawnSync(process.execPath, [...args, '--prompt', 'In the beginning'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(run.stderr).toBe('')
  return (JSON.parse(run.stdout) as { logits_sha256: string }).logits_sha256
}

it
  .skipIf(process.arch !== 'x64')
  .each([[[]], [['--liftoff-only']], [['--no-liftoff']], [['--wasm-tiering-budget=1']]])(
  'without AVX, %j',
  (compiler) => {
    expect(hashWith([...compiler, '--no-enable-avx'])).toBe(hashWith([]))
  },
  60_000,
)
