// The file map shows each source file with the first sentence of its header, room by room, in docs/file-map.md.

import { readFileSync } from 'node:fs'
import { firstSentence, headedFiles, headerLines } from '../tools/check-headers.ts'
import { ROOT } from '../tools/root.ts'

/** The map as Markdown: a heading for each folder, and below it a line for each file. */
export function fileMap(): string {
  const rooms = new Map<string, string[]>()
  for (const file of headedFiles()) {
    const folder = file.slice(0, file.lastIndexOf('/') + 1)
    const sentence = firstSentence(headerLines(readFileSync(`${ROOT}${file}`, 'utf8')))
    const files = rooms.get(folder) ?? []
    files.push(`- [${file.slice(folder.length)}](../${file}): ${escaped(sentence)}`)
    rooms.set(folder, files)
  }
  const folders = [...rooms].sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1))
  return folders.map(([folder, files]) => `### ${folder}\n\n${files.join('\n')}\n`).join('\n')
}

function order(folder: string): number {
  return ['src/', 'page/', 'assembly/', 'cli/'].findIndex((top) => folder.startsWith(top))
}

/** A sentence whose marks Markdown shows as they are; code in back quotes stays code. */
function escaped(sentence: string): string {
  return sentence.replace(/`[^`]*`|[<*_[\]]/g, (found) => (found.startsWith('`') ? found : `\\${found}`))
}
