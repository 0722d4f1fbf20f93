// A reason says why a validator refuses what a schema allows: its own rules differ, and none is hidden.

type Known = { says: RegExp; schema?: RegExp; reason: string }

const KNOWN: readonly Known[] = [
  {
    says: /must match format "(int32|int64|float|double|byte|binary|password|url|iso-time|iso-date-time)"/,
    reason:
      'ajv-formats checks formats of OpenAPI, which no draft defines: annotations, named in `islet.ignored`',
  },
]

/** '' where nothing is known: then the grammar is wrong until somebody has looked. */
export function reasonOf(says: string, schema: string): string {
  return KNOWN.find((each) => each.says.test(says) && (each.schema?.test(schema) ?? true))?.reason ?? ''
}
