"""Makes the expected values of test/fixtures/jinja/*constructs.json anew: `python tools/jinja/make_constructs.py`.

A new construct is written into the file without `text`, as {"what", "template", "context"}; this fills in the rest.
"""

import json
from pathlib import Path

from reference import render

FOLDER = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "jinja"

for path in sorted(FOLDER.glob("*constructs.json")):
    file = json.loads(path.read_text(encoding="utf-8"))
    for case in file["cases"]:
        expected = render(case["template"], json.loads(case["context"]))
        expected.pop("message", None)
        for key in ("text", "raises"):
            case.pop(key, None)
        case.update(expected)
    path.write_text(json.dumps(file, indent=0, ensure_ascii=False), encoding="utf-8")
    print(f"{path.name}: {len(file['cases'])} constructs")
