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
