# The output modes and tools of pydantic-ai, unmodified, over chat and responses.

import asyncio

from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
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


for name, model in [("chat", OpenAIChatModel(MODEL, provider=provider)), ("responses", OpenAIResponsesModel(MODEL, provider=provider))]:
    scenario("object", f"{name}: NativeOutput", lambda: check_ticket(run(model, QUESTION, output_type=NativeOutput(Ticket)).output))
    scenario("object", f"{name}: NativeOutput, streamed", lambda: check_ticket(asyncio.run(streamed(model))))
    scenario("object", f"{name}: PromptedOutput", lambda: check_ticket(run(model, QUESTION, output_type=PromptedOutput(Ticket)).output), PROMPTED)
    scenario("forced", f"{name}: output_type, its default", lambda: check_ticket(run(model, QUESTION, output_type=Ticket).output))
    scenario("forced", f"{name}: ToolOutput", lambda: check_alarm(run(model, WAKE, output_type=ToolOutput(Alarm, name="set_alarm")).output))
    scenario("auto", f"{name}: tools", lambda: tools(model))
