import { readFileSync, writeFileSync, mkdirSync, rmSync, copyFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { checksum } from './src/lib/checksum.ts'
import { rangeOf } from './src/weights/range.ts'
import { weightBytes } from './src/weights/stream.ts'
const [folder, out, ranges] = process.argv.slice(2)
const m = JSON.parse(readFileSync(folder + '/manifest.json', 'utf8'))
const rs = JSON.parse(ranges)
const parts = rs.map((r: any) => rangeOf(m, r))
const shares = rs.map((range: any, i: number) => ({ range, weightBytes: weightBytes(parts[i]) }))
rmSync(out, { recursive: true, force: true })
parts.forEach((p: any, index: number) => {
  const dir = `${out}/${index}`
  mkdirSync(dir, { recursive: true })
  const all = Buffer.concat(p.shards.flatMap((s: any) => { const b = readFileSync(`${folder}/${s.file}`); return s.kept ? s.kept.map((k: any) => b.subarray(k.from, k.to)) : [b] }))
  const shards = []
  for (let at = 0; at < all.length; at += 24 * 1024 * 1024) {
    const b = all.subarray(at, at + 24 * 1024 * 1024)
    const file = `weights-${String(shards.length).padStart(3, '0')}.bin`
    const c = checksum(); c.update(b)
    shards.push({ file, length: b.length, sha256: createHash('sha256').update(b).digest('hex'), checksum: c.hex() })
    writeFileSync(`${dir}/${file}`, b)
  }
  const man = { ...m, tensors: p.tensors, shards, prefix: undefined, stage: { index, shares } }
  writeFileSync(`${dir}/manifest.json`, JSON.stringify(man))
  if (index === 0) copyFileSync(`${folder}/tokenizer.bin`, `${dir}/tokenizer.bin`)
})
