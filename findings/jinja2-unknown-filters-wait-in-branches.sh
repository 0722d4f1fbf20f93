#!/usr/bin/env bash
# In Jinja2 a filter that there is not is an error of the template or of one rendering, by whether an `if` stands around it.
#
# Versions: jinja2 3.1.6, Python 3.9 or later.
#
# What one would guess: names of filters are looked up when a template is compiled, and one that is missing is a TemplateAssertionError.
#
# What happens: below an `if` (also an inline one) it compiles, and is a TemplateRuntimeError once the branch is taken. A chat template
# that needs a filter of its server for the results of tools so works until the first tool is called.
#
# Output seen:
#   plain: TemplateAssertionError when compiled
#   in a loop: TemplateAssertionError when compiled
#   in a branch, not taken: ''
#   in a branch, taken: TemplateRuntimeError when rendered
#   inline, not taken: 'b'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jinja2==3.1.6 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > run.py <<'PY'
import jinja2

TEMPLATES = {
    "plain": ("{{ x | from_json }}", {}),
    "in a loop": ("{% for y in [] %}{{ y | from_json }}{% endfor %}", {}),
    "in a branch, not taken": ("{% if x %}{{ x | from_json }}{% endif %}", {}),
    "in a branch, taken": ("{% if x %}{{ x | from_json }}{% endif %}", {"x": "1"}),
    "inline, not taken": ("{{ x | from_json if x else 'b' }}", {}),
}
for name, (source, context) in TEMPLATES.items():
    when = "compiled"
    try:
        template = jinja2.Environment().from_string(source)
        when = "rendered"
        print(f"{name}: {template.render(**context)!r}")
    except jinja2.TemplateError as error:
        print(f"{name}: {type(error).__name__} when {when}")
PY
venv/bin/python run.py | tee seen.txt
cat > wanted.txt <<'TXT'
plain: TemplateAssertionError when compiled
in a loop: TemplateAssertionError when compiled
in a branch, not taken: ''
in a branch, taken: TemplateRuntimeError when rendered
inline, not taken: 'b'
TXT
diff wanted.txt seen.txt
