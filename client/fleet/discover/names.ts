/** Names for a fleet file out of a cloud's, which may hold other characters, be longer, and be those of several instances. */
import type { FoundInstance } from '../../../clouds/discovery/found'

const LENGTH_MAX = 40

/** Lower-case letters, digits and single hyphens between them, beginning with a letter. */
export function legalName(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const named = /^[a-z]/.test(words) ? words : `db-${words}`
  return cut(named, LENGTH_MAX)
}

/** One for each, in the same order. A name that several would have is nobody's: their regions or resource groups are added to it, else numbers,
 *  so that it does not depend on who was found first. */
export function fleetNames(found: readonly FoundInstance[]): string[] {
  const plain = found.map(({ name }) => legalName(name))
  const taken = new Set(plain.filter((name) => plain.indexOf(name) === plain.lastIndexOf(name)))
  return found.map((instance, index) => {
    const name = plain[index] ?? ''
    if (taken.has(name)) return name
    const chosen = [...additions(instance)].map((addition) => joined(name, addition)).find((candidate) => !taken.has(candidate))
    if (chosen === undefined) throw new Error(`no name is left for ${instance.name}`)
    taken.add(chosen)
    return chosen
  })
}

function* additions({ region, resourceGroup }: FoundInstance): Generator<string> {
  yield region
  if (resourceGroup !== null) yield resourceGroup
  for (let number = 2; number < 100_000; number++) yield String(number)
}

function joined(name: string, addition: string): string {
  const end = addition
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(-LENGTH_MAX / 2)
  return `${cut(name, LENGTH_MAX - end.length - 1)}-${end.replace(/^-+/, '')}`
}

function cut(name: string, length: number): string {
  return name.slice(0, length).replace(/-+$/, '')
}
