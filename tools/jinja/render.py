"""Renders chat templates x conversations with Python: `python tools/jinja/render.py CORPUS [TEMPLATE [CONVERSATION]]`.

CORPUS is a folder with `templates/ID.jinja`; the templates are not ours, so it lies outside the tree. Writes
CORPUS/expected.jsonl, a line a rendering: {"template", "conversation", "text"} or {…, "raises", "message"}. With ID and
the number of a conversation it prints that one rendering. compare.ts renders the same with src/chat.

Messages go to the template as they were sent, without what `apply_chat_template` does to them before (it drops keys of
null and writes thoughts under three names). A call's `arguments` are JSON text there; a template gets them as an
object, and where it raises on that, as the text. The moment of `strftime_now` is that of reference.py.
"""

import json
import sys
from copy import deepcopy
from pathlib import Path

from reference import render

CONVERSATIONS = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "jinja" / "conversations.json"


def with_objects(messages: list) -> list:
    """The messages with the arguments of calls read, where they are JSON of an object or a list."""
    messages = deepcopy(messages)
    for message in messages:
        for call in message.get("tool_calls") or []:
            try:
                arguments = json.loads(call["function"]["arguments"])
            except json.JSONDecodeError:
                continue
            if isinstance(arguments, (dict, list)):
                call["function"]["arguments"] = arguments
    return messages


def rendering(template: str, conversation: dict) -> dict:
    context = {
        "documents": None,
        "bos_token": "<s>",
        "eos_token": "</s>",
        **conversation.get("variables", {}),
        "messages": with_objects(conversation["messages"]),
        "tools": conversation.get("tools") or None,
        "add_generation_prompt": conversation.get("add_generation_prompt", True),
    }
    first = render(template, context)
    if "text" in first or context["messages"] == conversation["messages"]:
        return first
    second = render(template, {**context, "messages": conversation["messages"]})
    return second if "text" in second else first


def main() -> None:
    corpus, *one = sys.argv[1:]
    conversations = json.loads(CONVERSATIONS.read_text(encoding="utf-8"))["conversations"]
    if len(one) == 2:
        source = Path(corpus, "templates", f"{one[0]}.jinja").read_bytes().decode("utf-8")
        print(json.dumps(rendering(source, conversations[int(one[1])]), ensure_ascii=False))
        return
    with open(Path(corpus, "expected.jsonl"), "w", encoding="utf-8", errors="surrogatepass") as out:
        for path in sorted(Path(corpus, "templates").glob("*.jinja")):
            if one and one[0] != path.stem:
                continue
            source = path.read_bytes().decode("utf-8")
            for number, conversation in enumerate(conversations):
                row = {"template": path.stem, "conversation": number, **rendering(source, conversation)}
                out.write(json.dumps(row, ensure_ascii=True) + "\n")


main()
