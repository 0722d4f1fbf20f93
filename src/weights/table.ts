// A table is a matrix whose rows may differ in kind by range: one tensor a range, named by its first row.

/** The name of the rows of `role` from row `first` on, where they differ in kind: `embedding.1056`. */
export function partName(role: string, first: number): string {
  return `${role}.${first}`
}

/** The tensors of a role in order of their rows: the one of its name, or its parts. */
export function partsOf<T extends { name: string }>(tensors: readonly T[], role: string): T[] {
  return tensors.filter(({ name }) => isPart(name, role))
}

/** Whether the tensor `name` holds rows of `role`. */
export function isPart(name: string, role: string): boolean {
  return name === role || (name.startsWith(`${role}.`) && /^\d+$/.test(name.slice(role.length + 1)))
}

/** Rows [first, end) of a table. */
export type TableRows = { first: number; end: number }

/** Whether a part has the kind of the first rows, those of the tokens that texts are made of, where the last have another. */
export function isRefined<T extends { kind: string }>({ kind }: T, parts: readonly T[]): boolean {
  return kind === parts[0].kind && kind !== parts[parts.length - 1].kind
}
