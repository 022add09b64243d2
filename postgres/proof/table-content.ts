/** Holds one table of a copy against the two manifests, part by part. Pure. */
import type { Finding } from '../../contracts/operation'
import type { NotProven } from './not-proven'
import type { Part, TableManifest } from './table-manifest'

export interface JudgedTable {
  readonly findings: readonly Finding[]
  readonly notProven: readonly NotProven[]
  /** Rows that are proven to be there as they were. */
  readonly rowsProven: number
}

/** A part in all three, with where it lies in words. */
interface Held {
  readonly where: string
  readonly before: Part
  readonly after: Part
  readonly copy: Part
}

type Standing = 'proven' | 'changed' | 'told-otherwise' | Finding

export function judgeTable(before: TableManifest, after: TableManifest, copy: TableManifest): JudgedTable {
  const { name } = before
  const comparable = before.columns === after.columns && before.columns === copy.columns
  const held = heldParts(before, after, copy)
  const judged = held.map((part) => ({ part, standing: judgePart(name, part, comparable) }))
  const count = (standing: Standing) => judged.filter((one) => one.standing === standing).length
  const findings = judged.flatMap(({ standing }) => (typeof standing === 'string' ? [] : [standing]))
  const why = [
    ...changedWords(count('changed'), held.length),
    ...(count('told-otherwise') > 0
      ? ['a column, a type or what its values are called was changed, so that only its rows were counted']
      : []),
    ...newerWords(Math.max(before.newer, after.newer, copy.newer)),
  ]
  return {
    findings,
    notProven: why.length === 0 ? [] : [{ what: name, why: sentence(why.join('; ')) }],
    rowsProven: judged.reduce((sum, { part, standing }) => sum + (standing === 'proven' ? part.before[0] : 0), 0),
  }
}

function changedWords(changed: number, parts: number): string[] {
  if (changed === 0) return []
  const which = parts === 1 ? 'rows of it' : `rows in ${changed} of its ${parts} parts`
  return [
    `${which} were changed or deleted around the backup, and are only known to be no fewer than after it and no more than before`,
  ]
}

function newerWords(newer: number): string[] {
  if (newer === 0) return []
  return [`${newer} ${newer === 1 ? 'row was' : 'rows were'} written too late for the first manifest`]
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

/** Where the table was rewritten its rows have moved from part to part, and only all of them together can be held. */
function heldParts(before: TableManifest, after: TableManifest, copy: TableManifest): Held[] {
  const { partBlocks, parts } = before
  const together = { where: '', before: total(before), after: total(after), copy: total(copy) }
  if (before.fileNode !== after.fileNode || before.fileNode !== copy.fileNode || parts.length === 1) return [together]
  return parts.flatMap((part, at): Held[] => {
    const [then, now] = [after.parts[at], copy.parts[at]]
    if (then === undefined || now === undefined) throw new Error(`the manifests of ${before.name} have different parts`)
    const last = at === parts.length - 1
    const where = ` (blocks ${at * partBlocks} ${last ? 'and up' : `to ${(at + 1) * partBlocks - 1}`})`
    return [{ where, before: part, after: then, copy: now }]
  })
}

function total({ parts }: TableManifest): Part {
  const rows = parts.reduce((sum, [count]) => sum + count, 0)
  return [rows, String(parts.reduce((sum, [, hash]) => sum + BigInt(hash), 0n))]
}

/** `comparable`: sums are of the same columns. */
function judgePart(name: string, { where, before, after, copy }: Held, comparable: boolean): Standing {
  const [[most, sumBefore], [least, sumAfter], [rows, sum]] = [before, after, copy]
  // Rows of before cannot become more. Were it so all the same, nothing would follow from either.
  if (least > most) return 'changed'
  const from = `Table ${name}${where}`
  if (rows < least) {
    const message = `${from}: the copy has ${rows} rows from before the backup, and ${least} of them were still there after it: rows are missing.`
    return { rule: 'content:rows-missing', message, measured: rows, allowed: least }
  }
  if (rows > most) {
    const message = `${from}: the copy has ${rows} rows from before the backup, and there were ${most}: it has rows that were deleted, or never there.`
    return { rule: 'content:rows-surplus', message, measured: rows, allowed: most }
  }
  if (least < most) return 'changed'
  if (!comparable || sumBefore !== sumAfter) return most === 0 ? 'proven' : 'told-otherwise'
  if (sum === sumBefore) return 'proven'
  return {
    rule: 'content:rows-changed',
    message: `${from}: the copy has the ${rows} rows from before the backup, with other content, although none of them was changed around it.`,
    measured: rows,
    allowed: most,
  }
}
