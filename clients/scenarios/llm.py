# The library llm, unmodified: talk, schemas and tools of a model that extra-openai-models.yaml names.

import json
import os
import pathlib

import llm
from scenarios import BASE_URL, MODEL, QUESTION, WAKE, Ticket, check_ticket, scenario

settings = pathlib.Path(os.environ["LLM_USER_PATH"])
settings.mkdir(exist_ok=True)
(settings / "extra-openai-models.yaml").write_text(
    f"- model_id: islet\n  model_name: {MODEL}\n  api_base: {BASE_URL}\n  supports_schema: true\n  supports_tools: true\n"
)
model = llm.get_model("islet")
model.key = "none"


def set_alarm(hour: int, minute: int) -> str:
    """Sets an alarm."""
    return "It is set."


def ask(**more):
    return model.prompt(QUESTION, max_tokens=80, key="none", **more).text()


scenario("object", "schema, a pydantic model", lambda: check_ticket(json.loads(ask(schema=Ticket))))
scenario("object", "schema, a pydantic model, not streamed", lambda: check_ticket(json.loads(ask(schema=Ticket, stream=False))))
scenario("object", "json_object", lambda: json.loads(ask(json_object=True)))
scenario("auto", "chain with tools", lambda: model.chain(WAKE, tools=[set_alarm], key="none", options={"max_tokens": 60}).text())


def talk(**more):
    response = model.prompt("Say hello.", system="Be brief.", max_tokens=12, key="none", **more)
    assert response.text() and response.usage().output > 0


def sampled():
    said = model.prompt("Say hello.", max_tokens=20, temperature=0.7, top_p=0.9, seed=3, stop=".", key="none").text()
    assert "." not in said


def conversation():
    talking = model.conversation()
    assert talking.prompt("Say hello.", max_tokens=12, key="none").text()
    assert talking.prompt("And again.", max_tokens=12, key="none").text()


scenario("talk", "prompt, streamed", talk)
scenario("talk", "prompt, not streamed", lambda: talk(stream=False))
scenario("talk", "sampling and stop", sampled)
scenario("talk", "conversation", conversation)
