# The modes of instructor for Python, unmodified.

from typing import Iterable

import instructor
from instructor import Mode
from openai import OpenAI
from scenarios import BASE_URL, MODEL, QUESTION, Ticket, check_ticket, scenario

openai = OpenAI(base_url=BASE_URL, api_key="none", max_retries=0)
ask = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": QUESTION}], "max_retries": 0}
LEFT_TO_MODEL = "the client leaves it to the model (tool_choice auto), and takes nothing but calls"
PROMPTED = "the client sends the schema in the prompt alone"


def create(mode, **more):
    client = instructor.from_openai(openai, mode=getattr(Mode, mode))
    return client.chat.completions.create(**ask, response_model=Ticket, **more)


def partial(mode):
    client = instructor.from_openai(openai, mode=getattr(Mode, mode))
    for part in client.chat.completions.create_partial(**ask, response_model=Ticket):
        last = part
    return last


for mode, kind, miss in [
    ("TOOLS", "forced", None),
    ("TOOLS_STRICT", "forced", None),
    ("FUNCTIONS", "forced", None),
    ("JSON_SCHEMA", "object", None),
    ("JSON", "object", PROMPTED),
    ("MD_JSON", "object", PROMPTED),
    ("RESPONSES_TOOLS", "forced", None),
]:
    if not hasattr(Mode, mode):
        continue
    if mode == "RESPONSES_TOOLS":
        rest = {"model": MODEL, "input": QUESTION, "max_output_tokens": 100, "max_retries": 0}
        scenario(kind, mode, lambda: check_ticket(instructor.from_openai(openai, mode=Mode.RESPONSES_TOOLS).responses.create(**rest, response_model=Ticket)))
        continue
    scenario(kind, mode, lambda: check_ticket(create(mode)), miss)
    if mode in ("TOOLS", "JSON_SCHEMA"):
        scenario(kind, f"{mode}, create_partial", lambda: check_ticket(partial(mode)), miss)


def parallel():
    client = instructor.from_openai(openai, mode=Mode.PARALLEL_TOOLS)
    tickets = list(client.chat.completions.create(**ask, response_model=Iterable[Ticket]))
    for ticket in tickets:
        check_ticket(ticket)


def through_provider():
    client = instructor.from_provider(f"ollama/{MODEL}", base_url=BASE_URL)
    rest = {key: value for key, value in ask.items() if key != "model"}
    return client.chat.completions.create(**rest, response_model=Ticket)


scenario("auto", "PARALLEL_TOOLS", parallel, LEFT_TO_MODEL)
scenario("object", 'from_provider("ollama/...")', lambda: check_ticket(through_provider()), PROMPTED)
