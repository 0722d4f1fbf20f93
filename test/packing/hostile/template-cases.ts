// Hostile chat templates, wherever a checkpoint may have one.

import { checkpoint, noFiles, write, writeHole, type HostileCase } from './case.ts'
import { ggufCase } from './gguf-cases.ts'

const FILE = 'chat_template.jinja'
const SETTINGS = 'tokenizer_config.json'

const LOOP = '{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}'
const DOUBLING =
  "{% set ns = namespace(s='abcdefgh') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}"

const fileCase = (name: string, template: string): HostileCase => ({
  name: `a template ${name}`,
  file: FILE,
  make: (folder) => void write(checkpoint(folder), FILE, template),
})
const settingsCase = (name: string, chat_template: unknown): HostileCase => ({
  name: `a template in the settings ${name}`,
  file: SETTINGS,
  make: (folder) => void write(checkpoint(folder), SETTINGS, { chat_template }),
})

export const TEMPLATE_CASES: HostileCase[] = [
  fileCase('that loops over a range of ranges', LOOP),
  fileCase(
    'that loops over nothing',
    `{% set r = range(90000) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}`,
  ),
  fileCase('with a range without end', '{{ range(1000000000000) | length }}'),
  fileCase('that doubles a text', DOUBLING),
  fileCase(
    'that doubles a list',
    '{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}',
  ),
  fileCase(
    'whose macro calls itself',
    '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
  ),
  fileCase('with a wide indent', '{{ [[1]] | tojson(indent=100000000) }}'),
  fileCase('that ends in a tag', '{% for'),
  fileCase('of open brackets', `{{ ${'('.repeat(50_000)}`),
  fileCase('of open conditions', '{% if a %}'.repeat(10_000)),
  fileCase('of too many characters', 'x'.repeat(200_000)),
  fileCase('of white space', `{{ 1 }}${' '.repeat(200_000)}{{ 1 }}`),
  {
    name: 'a template of 3 MB of nothing',
    file: FILE,
    make: (folder) => void writeHole(checkpoint(folder), FILE, 3_000_000),
  },
  ...noFiles(FILE, checkpoint),
  settingsCase('that loops over a range of ranges', LOOP),
  settingsCase('of a list, that doubles a text', [null, { name: 'default', template: DOUBLING }]),
  settingsCase('that ends in a tag', '{{ messages'),
  ggufCase('a template that loops over a range of ranges', ({ metadata }) => {
    metadata['tokenizer.chat_template'] = { string: LOOP }
  }),
  ggufCase('a template of two megabytes', ({ metadata }) => {
    metadata['tokenizer.chat_template'] = { string: 'x'.repeat(2e6) }
  }),
]
