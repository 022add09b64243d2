/** What was found → what a fleet file declares: databases, each with its standbys, and what is left out, each with the reason. */
import type { FoundInstance } from '../../../clouds/discovery/found'
import { fleetNames } from './names'

export interface Proposal {
  /** Unique, and legal in a fleet file. */
  readonly name: string
  readonly instance: FoundInstance
  /** Read replicas of it, and theirs. */
  readonly standbys: readonly FoundInstance[]
}

export interface LeftOut {
  readonly instance: FoundInstance
  /** Completes `<instance> is …`. */
  readonly why: string
}

export interface SortedOut {
  readonly databases: readonly Proposal[]
  readonly leftOut: readonly LeftOut[]
}

const OPERATION_TAG = 'capstan-operation'
const TEMPORARY = /^cap-/

export function sortOut(found: readonly FoundInstance[]): SortedOut {
  const sorted = [...found].sort((a, b) => compare(placeOf(a), placeOf(b)))
  const byId = new Map(sorted.map((instance) => [instance.id, instance]))
  const leftOut: LeftOut[] = []
  const standbys = new Map<string, FoundInstance[]>()
  const sources: FoundInstance[] = []
  for (const instance of sorted) {
    const why = whyNot(instance)
    const source = why === null ? sourceOf(instance, byId) : null
    if (why !== null) leftOut.push({ instance, why })
    else if (instance.replicaOf === null) sources.push(instance)
    else if (source === null) leftOut.push({ instance, why: `a read replica of ${instance.replicaOf}, which was not among them` })
    else standbys.set(source.id, [...(standbys.get(source.id) ?? []), instance])
  }
  const names = fleetNames(sources)
  const databases = sources.map((instance, index) => ({
    name: names[index] ?? '',
    instance,
    standbys: standbys.get(instance.id) ?? [],
  }))
  return { databases, leftOut }
}

/** Null for what belongs into a fleet file, as a database or as the standby of one. */
function whyNot(instance: FoundInstance): string | null {
  const { engine, name, tags } = instance
  const operation = tags[OPERATION_TAG]
  if (engine !== 'postgres') return engine
  if (TEMPORARY.test(name) && operation !== undefined) return `a temporary copy that operation ${operation} made`
  if (TEMPORARY.test(name))
    return `named as Capstan's temporary copies are, though not tagged as one: add it by hand if it is yours`
  if (operation !== undefined)
    return `tagged ${OPERATION_TAG}=${operation}, as what Capstan makes is: add it by hand if it is yours`
  return null
}

/** The instance at the end of a chain of replicas; null where that was not found, or is left out itself. */
function sourceOf(instance: FoundInstance, byId: ReadonlyMap<string, FoundInstance>): FoundInstance | null {
  const passed = new Set<string>()
  let at: FoundInstance | undefined = instance
  while (at !== undefined && at.replicaOf !== null && !passed.has(at.id)) {
    passed.add(at.id)
    at = byId.get(at.replicaOf)
  }
  return at !== undefined && at.replicaOf === null && whyNot(at) === null ? at : null
}

function placeOf({ account, region, resourceGroup, name }: FoundInstance): string {
  return [name, region, resourceGroup ?? '', account].join('\n')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
