/** The order in which rows can be written: what is referred to before what refers. */

/** `parentsOf`: names, which need not be among `names`. Tables in a circle follow in the order given, behind all that can come before them. */
export function parentsFirst(names: readonly string[], parentsOf: (name: string) => readonly string[]): string[] {
  const open = new Set(names)
  const ordered: string[] = []
  while (open.size > 0) {
    const ready = [...open].filter((name) => parentsOf(name).every((parent) => parent === name || !open.has(parent)))
    // a circle: one of it has to begin
    const next = ready.length > 0 ? ready : [...open].slice(0, 1)
    for (const name of next) {
      open.delete(name)
      ordered.push(name)
    }
  }
  return ordered
}
