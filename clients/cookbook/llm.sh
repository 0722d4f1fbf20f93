# llm: an answer by a schema. The model is named once, in llm's folder of settings.

settings="$(dirname "$(llm logs path)")"
cat > "$settings/extra-openai-models.yaml" <<'YAML'
- model_id: islet
  model_name: smollm2-135m-instruct
  api_base: http://127.0.0.1:8787/v1
  supports_schema: true
  supports_tools: true
YAML

llm -m islet --no-stream --key none --schema '{
  "type": "object",
  "properties": {
    "team": { "enum": ["billing", "technical", "sales"] },
    "urgent": { "type": "boolean" },
    "summary": { "type": "string", "maxLength": 60 }
  },
  "required": ["team", "urgent", "summary"]
}' 'I was charged twice this month!'
