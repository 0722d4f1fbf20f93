// This module drives the headless Chromium of the benchmarks by playwright-core, and gives it fonts to draw with.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium as playwright, type Browser } from 'playwright-core'
import { findChromium } from './chromium.ts'
import { BUILD } from './setup.ts'

/** The package's fonts first, so that pictures look the same everywhere; it has none of one width. */
function fontsConfig(packaged: string): string {
  const alias = (family: string, ...prefer: string[]): string =>
    `<match target="pattern"><test name="family"><string>${family}</string></test>` +
    `<edit name="family" mode="prepend" binding="strong">${prefer.map((name) => `<string>${name}</string>`).join('')}</edit></match>`
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
  <dir>${packaged}</dir><dir>/usr/share/fonts</dir><cachedir>${join(BUILD, 'fonts-cache')}</cachedir>
  ${alias('system-ui', 'Open Sans')}${alias('sans-serif', 'Open Sans')}
  ${alias('ui-monospace', 'DejaVu Sans Mono', 'Liberation Mono')}${alias('monospace', 'DejaVu Sans Mono', 'Liberation Mono')}
</fontconfig>\n`
}

/** Starts a browser; whoever starts it closes it. */
export function launch(): Promise<Browser> {
  const { program, env } = findChromium()
  const fonts = join(BUILD, 'page-fonts')
  mkdirSync(fonts, { recursive: true })
  writeFileSync(join(fonts, 'fonts.conf'), fontsConfig(env['FONTCONFIG_PATH'] ?? '/usr/share/fonts/truetype'))
  return playwright.launch({
    executablePath: program,
    env: { ...(process.env as Record<string, string>), ...env, FONTCONFIG_PATH: fonts },
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'],
  })
}
