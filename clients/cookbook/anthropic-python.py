# Anthropic's client for Python: an answer by a schema, and a call that must come.

from typing import Literal

from anthropic import Anthropic
from pydantic import BaseModel, Field

client = Anthropic(base_url="http://127.0.0.1:8787", api_key="none")
model = "smollm2-135m-instruct"


class Ticket(BaseModel):
    team: Literal["billing", "technical", "sales"]
    urgent: bool
    summary: str = Field(max_length=60)


answer = client.messages.create(
    model=model,
    max_tokens=200,
    messages=[{"role": "user", "content": "I was charged twice this month!"}],
    output_config={"format": {"type": "json_schema", "schema": Ticket.model_json_schema()}},
)
print(Ticket.model_validate_json(answer.content[0].text).model_dump_json())


class Alarm(BaseModel):
    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)


called = client.messages.create(
    model=model,
    max_tokens=200,
    messages=[{"role": "user", "content": "Wake me at half past seven."}],
    tools=[{"name": "set_alarm", "input_schema": Alarm.model_json_schema()}],
    tool_choice={"type": "tool", "name": "set_alarm"},
)
call = next(block for block in called.content if block.type == "tool_use")
print(Alarm.model_validate(call.input).model_dump_json())
