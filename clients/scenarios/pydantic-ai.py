# pydantic-ai, unmodified: talk, output modes and tools over chat and responses.

import asyncio

from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from scenarios import BASE_URL, MODEL, QUESTION, WAKE, Alarm, Ticket, check_alarm, check_ticket, scenario

provider = OpenAIProvider(base_url=BASE_URL, api_key="none")
settings = {"max_tokens": 80}
PROMPTED = "the client sends the schema in the prompt alone: only JSON is held, and a small model does not keep to prose"


def run(model, prompt, **more):
    return Agent(model, model_settings=settings, retries=0, **more).run_sync(prompt)


async def streamed(model):
    agent = Agent(model, output_type=NativeOutput(Ticket), model_settings=settings, retries=0)
    async with agent.run_stream(QUESTION) as result:
        return await result.get_output()


def tools(model):
    agent = Agent(model, model_settings=settings, retries=0)

    @agent.tool_plain
    def set_alarm(hour: int, minute: int) -> str:
        """Sets an alarm."""
        return "It is set."

    assert isinstance(agent.run_sync(WAKE).output, str)


def talk(model):
    result = Agent(model, model_settings={"max_tokens": 12}, instructions="Be brief.").run_sync("Say hello.")
    usage = result.usage() if callable(result.usage) else result.usage
    assert result.output and usage.output_tokens > 0


async def talk_streamed(model):
    async with Agent(model, model_settings={"max_tokens": 12}).run_stream("Say hello.") as result:
        pieces = [piece async for piece in result.stream_text(delta=True)]
        assert "".join(pieces)


def sampled(model):
    chosen = {"max_tokens": 20, "temperature": 0.7, "top_p": 0.9, "seed": 3, "stop_sequences": [".", "\n"]}
    assert not set(Agent(model, model_settings=chosen).run_sync("Say hello.").output) & set(".\n")


def out_of_range(model):
    try:
        Agent(model, model_settings={"temperature": 9}).run_sync("Say hello.")
    except ModelHTTPError as error:
        assert error.status_code == 400
        return
    raise AssertionError("no ModelHTTPError came")


for name, model in [("chat", OpenAIChatModel(MODEL, provider=provider)), ("responses", OpenAIResponsesModel(MODEL, provider=provider))]:
    scenario("object", f"{name}: NativeOutput", lambda: check_ticket(run(model, QUESTION, output_type=NativeOutput(Ticket)).output))
    scenario("object", f"{name}: NativeOutput, streamed", lambda: check_ticket(asyncio.run(streamed(model))))
    scenario("object", f"{name}: PromptedOutput", lambda: check_ticket(run(model, QUESTION, output_type=PromptedOutput(Ticket)).output), PROMPTED)
    scenario("forced", f"{name}: output_type, its default", lambda: check_ticket(run(model, QUESTION, output_type=Ticket).output))
    scenario("forced", f"{name}: ToolOutput", lambda: check_alarm(run(model, WAKE, output_type=ToolOutput(Alarm, name="set_alarm")).output))
    scenario("auto", f"{name}: tools", lambda: tools(model))
    scenario("talk", f"{name}: run", lambda: talk(model))
    scenario("talk", f"{name}: run_stream", lambda: asyncio.run(talk_streamed(model)))
    scenario("errors", f"{name}: a parameter out of range", lambda: out_of_range(model))
    if name == "chat":
        scenario("talk", f"{name}: sampling and stop sequences", lambda: sampled(model))
