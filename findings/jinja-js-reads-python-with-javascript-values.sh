#!/usr/bin/env bash
# A chat template that @huggingface/jinja renders prints numbers and strips texts as JavaScript does, not as Python does.
#
# Versions: @huggingface/jinja 0.5.11, jinja2 3.1.6, Node 20 or later, Python 3.9 or later.
#
# What one would guess: chat templates are written for Python, and a library that exists to render them in JavaScript gives the same text.
#
# What happens: no error, another prompt. lstrip and strip drop their argument and take all white space, so that the indentation of an
# answer is lost; lengths count UTF-16 units; -7 % 3 has JavaScript's sign; a list prints as JSON.
#
# Output seen (the expression, Python's text, the library's):
#   {{ '\n  a'.lstrip('\n') }} | "  a" | "a"
#   {{ 'xax'.strip('x') }} | "a" | "xax"
#   {{ '😀' | length }} | "1" | "2"
#   {{ -7 % 3 }} | "2" | "-1"
#   {{ [1.5, none, 'a'] }} | "[1.5, None, 'a']" | "[1.5, null, \"a\"]"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact @huggingface/jinja@0.5.11 > npm.log 2>&1 || { cat npm.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jinja2==3.1.6 > pip.log 2>&1 || { cat pip.log; exit 1; }

cat > templates.txt <<'TXT'
{{ '\n  a'.lstrip('\n') }}
{{ 'xax'.strip('x') }}
{{ '😀' | length }}
{{ -7 % 3 }}
{{ [1.5, none, 'a'] }}
TXT
cat > python.py <<'PY'
import json
import jinja2.sandbox

environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
for line in open("templates.txt", encoding="utf-8").read().splitlines():
    print(line, json.dumps(environment.from_string(line).render(), ensure_ascii=False), sep=" | ")
PY
cat > library.js <<'JS'
import { readFileSync } from 'node:fs'
import { Template } from '@huggingface/jinja'

for (const line of readFileSync('templates.txt', 'utf8').trimEnd().split('\n')) {
  console.log(JSON.stringify(new Template(line).render({})))
}
JS
PYTHONIOENCODING=utf-8 venv/bin/python python.py > python.txt
node library.js > library.txt
paste -d '|' python.txt library.txt | sed 's/|\("[^|]*\)$/ | \1/' | tee seen.txt
cat > wanted.txt <<'TXT'
{{ '\n  a'.lstrip('\n') }} | "  a" | "a"
{{ 'xax'.strip('x') }} | "a" | "xax"
{{ '😀' | length }} | "1" | "2"
{{ -7 % 3 }} | "2" | "-1"
{{ [1.5, none, 'a'] }} | "[1.5, None, 'a']" | "[1.5, null, \"a\"]"
TXT
diff wanted.txt seen.txt
