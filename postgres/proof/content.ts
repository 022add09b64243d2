/** Holds a copy against the manifests that were taken before and after the backup it was made from (rung L4). Rows that were there before can
 *  only have become fewer until the backup, and from then until after it: so the copy has no more of them than the first manifest and no fewer than
 *  the second, and where both have as many it has the very same. See docs/decisions/0013-manifests-around-a-backup.md. */
import type { Finding } from '../../contracts/operation'
import { diffFingerprints } from '../inspect/fingerprint'
import { TRANSACTIONS_MAX } from '../verify/horizon'
import { type Manifest, type ManifestOptions, takeManifest } from './manifest'
import type { NotProven } from './not-proven'
import { type JudgedTable, judgeTable } from './table-content'
import type { TableManifest } from './table-manifest'

export interface ContentProof {
  /** `content:cluster`, `content:schema`, `content:table-missing`, `content:unreadable`, `content:rows-missing`, `content:rows-surplus`,
   *  `content:rows-changed`. */
  readonly findings: readonly Finding[]
  /** More of the same that are not told. */
  readonly untold: number
  readonly notProven: readonly NotProven[]
  /** Whether every table that the first manifest tells of, or should, was read both times and in the copy: what is not proven then was written or
   *  altered around the backup, or is nothing that a backup holds. */
  readonly complete: boolean
  /** Tables that are proven to hold every row that they held before the backup, and none that was written since. */
  readonly tablesProven: number
  /** Of the first manifest, and those that it could not read. */
  readonly tables: number
  /** Rows that are proven to be there as they were. */
  readonly rowsProven: number
}

/** `copy`: how to read it. Throws as `takeManifest`. */
export async function contentFindings(
  before: Manifest,
  after: Manifest,
  copy: Omit<ManifestOptions, 'since' | 'durationMaxMs'>,
): Promise<ContentProof> {
  return judgeContent(before, after, await takeManifest({ ...copy, since: before }))
}

/** Told one by one. */
const TOLD_MAX = 100

/** Pure. `after` and `copy` were taken since `before`, or it throws. */
export function judgeContent(before: Manifest, after: Manifest, copy: Manifest): ContentProof {
  if (after.horizon !== before.horizon || copy.horizon !== before.horizon)
    throw new Error('the manifests have different horizons and cannot be held against each other')
  const tables = before.tables.length + before.unread.length
  const why = whyNothing(before, after, copy)
  if (why !== null) return { ...NOTHING, ...why, tables }
  const schema = judgeSchema(before, after, copy)
  const names = (manifest: Manifest) => new Map(manifest.tables.map((table) => [table.name, table]))
  const [then, now] = [names(after), names(copy)]
  const judged = before.tables.map((table) => judgeOne(table, then.get(table.name), now.get(table.name), { after, copy }))
  const findings = [...schema.findings, ...judged.flatMap((one) => one.findings)]
  const came = after.tables.filter(({ name }) => !before.tables.some((table) => table.name === name))
  const unread = (of: Manifest, which: string) =>
    of.unread.map(({ name, why: said }) => ({ what: name, why: `${which}: ${said}` }))
  const notProven = [
    ...schema.notProven,
    ...unread(before, 'Not in the first manifest'),
    ...judged.flatMap((one) => one.notProven),
    ...came.map(({ name }) => ({ what: name, why: 'It was made after the first manifest.' })),
    ...before.outside,
  ]
  return {
    findings: findings.slice(0, TOLD_MAX),
    untold: Math.max(0, findings.length - TOLD_MAX),
    notProven,
    complete: before.unread.every(({ empty }) => empty === true) && judged.every((one) => !one.unread),
    tablesProven: judged.filter((one) => one.findings.length === 0 && one.notProven.length === 0).length,
    tables,
    rowsProven: judged.reduce((sum, one) => sum + one.rowsProven, 0),
  }
}

const NOTHING = { findings: [], untold: 0, notProven: [], complete: false, tablesProven: 0, rowsProven: 0 } as const

const EVERYTHING = 'every table'

/** What makes the manifests say nothing of the copy. */
function whyNothing(before: Manifest, after: Manifest, copy: Manifest): Pick<ContentProof, 'findings' | 'notProven'> | null {
  const ids = [before, after, copy].map(({ systemIdentifier }) => systemIdentifier)
  const [one, other, its] = ids
  const unproven = (why: string) => ({ findings: [], notProven: [{ what: EVERYTHING, why }] })
  if ([after, copy].some(({ database }) => database !== before.database)) {
    const names = [before, after, copy].map(({ database }) => database).join(', ')
    return unproven(`The first manifest, the second and the copy are not of one database: ${names}.`)
  }
  if (one !== other) return unproven('The instance was replaced between the manifests.')
  if (one !== null && its !== null && one !== its) {
    const message = `The copy belongs to the cluster ${its}, the manifests are of ${one}: it was not made from a backup of that instance.`
    return { findings: [{ rule: 'content:cluster', message }], notProven: [{ what: EVERYTHING, why: message }] }
  }
  const last = [after, copy].map(({ nextTransaction }) => BigInt(nextTransaction) - BigInt(before.horizon))
  if (last.some((transactions) => transactions >= BigInt(TRANSACTIONS_MAX)))
    return unproven('More than 268 million transactions lie between the first manifest and the second, or the copy.')
  return null
}

type Judged = Pick<ContentProof, 'findings' | 'notProven'>

/** Objects that both manifests agree on and that nobody touched in between: they stood all the time. What the copy has besides may have come and
 *  gone, or was made by whoever proves it. */
function judgeSchema(before: Manifest, after: Manifest, copy: Manifest): Judged {
  const first = new Map(before.schema.objects.map(({ id, digest }) => [id, digest]))
  const agreed = after.schema.objects.filter(({ id, digest }) => first.get(id) === digest)
  // A name is looked for anywhere in an object's own: rather one too many is left out.
  const stood = agreed.filter(({ id }) => after.touched !== null && !after.touched.some((name) => id.includes(name)))
  const ids = new Set(stood.map(({ id }) => id))
  const wanted = { ...before.schema, objects: stood }
  const there = { ...copy.schema, objects: copy.schema.objects.filter(({ id }) => ids.has(id)) }
  const lines = diffFingerprints(wanted, there, { names: ['the source', 'the copy'], limit: TOLD_MAX })
  const left = new Set([...first.keys(), ...after.schema.objects.map(({ id }) => id)]).size - stood.length
  return {
    findings: lines.map((line) => ({ rule: 'content:schema', message: `Schema: ${line}.` })),
    notProven:
      left === 0 ? [] : [{ what: 'the schema', why: `${left} of its objects were made, altered or dropped around the backup.` }],
  }
}

interface JudgedOne extends JudgedTable {
  /** A manifest, or the copy, has nothing of it, although it was there. */
  readonly unread: boolean
}

function judgeOne(
  before: TableManifest,
  after: TableManifest | undefined,
  copy: TableManifest | undefined,
  manifests: { readonly after: Manifest; readonly copy: Manifest },
): JudgedOne {
  const { name } = before
  // Partitions are read as part of their root, and left out under its name.
  const reason = (manifest: Manifest) => manifest.unread.find((one) => one.name === before.root)
  const unproven = (why: string, unread: boolean): JudgedOne => ({
    findings: [],
    notProven: [{ what: name, why }],
    rowsProven: 0,
    unread,
  })
  const finding = (rule: string, message: string): JudgedOne => ({
    findings: [{ rule, message }],
    notProven: [],
    rowsProven: 0,
    unread: false,
  })
  const then = reason(manifests.after)
  if (after === undefined) {
    if (then === undefined) return unproven('Not in the second manifest: it was dropped or renamed meanwhile.', false)
    return unproven(`Not in the second manifest: ${then.why}`, then.empty !== true)
  }
  if (after.oid !== before.oid) return unproven('It was dropped and made anew between the manifests.', false)
  if (copy !== undefined) return { ...judgeTable(before, after, copy), unread: false }
  const unread = reason(manifests.copy)
  // It may have had another name, or another schema, when the backup was taken.
  if (unread === undefined && wasTouched(name, manifests.after.touched))
    return unproven('Not in the copy, and made, altered or renamed around the backup.', true)
  if (unread === undefined)
    return finding('content:table-missing', `Table ${name} was there before and after the backup, and is not in the copy.`)
  if (unread.damaged) return finding('content:unreadable', `Table ${name} cannot be read in the copy: ${unread.why}`)
  return unproven(`Not read in the copy: ${unread.why}`, true)
}

/** `name`: quoted where SQL needs it, with its schema. */
function wasTouched(name: string, touched: Manifest['touched']): boolean {
  if (touched === null) return true
  const spellings = touched.flatMap((one) => [one, `"${one.replace(/"/g, '""')}"`])
  return spellings.some((one) => name.endsWith(`.${one}`) || name.startsWith(`${one}.`))
}
