# openai for Python: an answer by a schema, and a call that must come.

from typing import Literal

from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field

client = OpenAI(base_url="http://127.0.0.1:8787/v1", api_key="none")
model = "smollm2-135m-instruct"


class Ticket(BaseModel):
    team: Literal["billing", "technical", "sales"]
    urgent: bool
    summary: str = Field(max_length=60)


answer = client.chat.completions.parse(
    model=model,
    messages=[{"role": "user", "content": "I was charged twice this month!"}],
    response_format=Ticket,
)
print(answer.choices[0].message.parsed.model_dump_json())


class Alarm(BaseModel):
    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)


called = client.chat.completions.parse(
    model=model,
    messages=[{"role": "user", "content": "Wake me at half past seven."}],
    tools=[pydantic_function_tool(Alarm, name="set_alarm")],
    tool_choice={"type": "function", "function": {"name": "set_alarm"}},
)
print(called.choices[0].message.tool_calls[0].function.parsed_arguments.model_dump_json())
