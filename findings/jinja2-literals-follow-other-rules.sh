#!/usr/bin/env bash
# In Jinja2 an expression of literals gives another value than the same expression of a variable.
#
# Versions: jinja2 3.1.6, Python 3.9 or later.
#
# What one would guess: that literals are computed when a template is compiled changes its speed alone.
#
# What happens: a slice that cannot be is undefined there, and so prints nothing, where a variable raises TypeError. A float that is
# infinite comes into the compiled code by its repr, `inf`, which is no name there: NameError.
#
# Output seen (a literal, then the same value as a variable):
#   slice of none: '' | TypeError
#   slice by a text: '' | TypeError
#   infinity: NameError | 'False'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jinja2==3.1.6 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > run.py <<'PY'
import jinja2

PAIRS = {
    "slice of none": ("{{ none[1:] }}", "{{ x[1:] }}", None),
    "slice by a text": ("{{ 'abc'['a':] }}", "{{ x['a':] }}", "abc"),
    "infinity": ("{{ ('inf' | float).is_integer() }}", "{{ (x | float).is_integer() }}", "inf"),
}


def outcome(source, x):
    try:
        return repr(jinja2.Environment().from_string(source).render(x=x))
    except Exception as error:
        return type(error).__name__


for name, (literal, variable, x) in PAIRS.items():
    print(f"{name}: {outcome(literal, x)} | {outcome(variable, x)}")
PY
venv/bin/python run.py | tee seen.txt
cat > wanted.txt <<'TXT'
slice of none: '' | TypeError
slice by a text: '' | TypeError
infinity: NameError | 'False'
TXT
diff wanted.txt seen.txt
