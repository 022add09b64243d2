/** Zones as every simulated cloud keeps them: what its API says, and what is answered for it, which is a while behind. Each cloud has its own words around it. */
import { randomBytes } from 'node:crypto'

export interface RecordSet {
  /** In lower case, with the dot of the root. */
  name: string
  type: string
  ttl: number
  /** As the cloud's API writes them. */
  values: string[]
  /** Differs with every change. */
  etag: string
  /** What else the cloud was told of it and gives back. */
  more?: Record<string, unknown>
}

export interface ZoneChange {
  id: string
  at: string
  pending: boolean
  /** As the cloud's API tells of it. */
  more?: Record<string, unknown>
}

export interface Zone {
  /** Of the cloud; what is asked for by it. */
  id: string
  /** Its domain, in lower case, with the dot of the root. */
  name: string
  madeAt: string
  records: RecordSet[]
  /** As the zone's servers have them. */
  published: RecordSet[]
  /** Oldest first. */
  changes: ZoneChange[]
  changesMade: number
  more: Record<string, unknown>
}

export type Zones = Record<string, Zone>

const CHANGES_KEPT = 100

export function newZone(id: string, name: string, more: Zone['more'] = {}): Zone {
  const zone = { id, name, madeAt: new Date().toISOString(), published: [], changes: [], changesMade: 0, more }
  const server = 'ns1.lab.invalid.'
  const soa = `${server} hostmaster.lab.invalid. 1 7200 900 1209600 5`
  return {
    ...zone,
    records: [
      { name, type: 'NS', ttl: 172_800, values: [server], etag: newEtag() },
      { name, type: 'SOA', ttl: 900, values: [soa], etag: newEtag() },
    ],
  }
}

export function newEtag(): string {
  return `${randomBytes(4).toString('hex')}-0000-0000-0000-${randomBytes(6).toString('hex')}`
}

export function noteChange(zone: Zone, id: string, more?: ZoneChange['more']): ZoneChange {
  zone.changesMade += 1
  const change = { id, at: new Date().toISOString(), pending: true, ...(more && { more }) }
  zone.changes.push(change)
  zone.changes.splice(0, Math.max(0, zone.changes.length - CHANGES_KEPT))
  return change
}

/** In lower case, with the dot of the root; null: no name that a record can have. */
export function recordName(text: string): string | null {
  const name = text.toLowerCase().replace(/\.?$/, '.')
  const labels = name.slice(0, -1).split('.')
  const right = labels.every((label) => /^(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)$/.test(label))
  return right && name.length <= 254 ? name : null
}

export function isIn(zone: Pick<Zone, 'name'>, name: string): boolean {
  return name === zone.name || name.endsWith(`.${zone.name}`)
}

/** An alias beside others: what no zone may have. */
export function conflictsWithAlias(records: readonly RecordSet[], name: string): boolean {
  const there = records.filter((record) => record.name === name)
  return there.some(({ type }) => type === 'CNAME') && new Set(there.map(({ type }) => type)).size > 1
}
