// Every chart shares what is here: its ground, its title, and words at a place.

/** Of all charts, so that they line up on a page. */
export const WIDTH = 760

export type Frame = {
  title: string
  /** Behind the title. */
  unit: string
  /** The chart's text for those who do not see it. */
  said: string
  style: string
  height: number
}

/** The whole file. */
export function framed({ title, unit, said, style, height }: Frame, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(said)}</title>`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    `<text class="text title" x="16" y="26">${escape(title)}<tspan class="quiet unit" dx="10">${escape(unit)}</tspan></text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

/** Words at a place. */
export function text(x: string | number, y: number, words: string, style: string, anchor = 'start'): string {
  return `<text class="${style}" x="${x}" y="${y}" text-anchor="${anchor}">${escape(words)}</text>`
}

function escape(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
