# LangChain for Python: an answer by a schema, and a call that must come.

import json
from typing import Literal

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

model = ChatOpenAI(model="smollm2-135m-instruct", base_url="http://127.0.0.1:8787/v1", api_key="none")


class Ticket(BaseModel):
    team: Literal["billing", "technical", "sales"]
    urgent: bool
    summary: str = Field(max_length=60)


structured = model.with_structured_output(Ticket, method="json_schema")
print(structured.invoke("I was charged twice this month!").model_dump_json())


@tool
def set_alarm(hour: int, minute: int) -> str:
    """Sets an alarm."""
    return "It is set."


caller = model.bind_tools([set_alarm], tool_choice="set_alarm")
print(json.dumps(caller.invoke("Wake me at half past seven.").tool_calls[0]["args"]))
