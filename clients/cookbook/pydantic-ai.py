# pydantic-ai: an answer by a schema, and one by a call that must come.

from typing import Literal

from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url="http://127.0.0.1:8787/v1", api_key="none")
model = OpenAIChatModel("smollm2-135m-instruct", provider=provider)


class Ticket(BaseModel):
    team: Literal["billing", "technical", "sales"]
    urgent: bool
    summary: str = Field(max_length=60)


agent = Agent(model, output_type=NativeOutput(Ticket))
print(agent.run_sync("I was charged twice this month!").output.model_dump_json())


class Alarm(BaseModel):
    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)


caller = Agent(model, output_type=ToolOutput(Alarm, name="set_alarm"))
print(caller.run_sync("Wake me at half past seven.").output.model_dump_json())
