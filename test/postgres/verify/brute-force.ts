/** What a comparison has to say, found out in the plainest way: every row of both tables as text, side by side. */
import type { Session } from '../../../postgres/connect/session'

export interface Differences {
  readonly onlyInSource: number
  readonly onlyInTarget: number
  readonly changed: number
}

/** `key`: columns that tell rows apart; empty: none do. Both sessions have every setting pinned, as all of ours have. */
export async function bruteForce(
  source: Session,
  target: Session,
  table: string,
  columns: readonly string[],
  key: readonly string[],
): Promise<Differences> {
  const read = (session: Session) =>
    session.query<{ key: string; row: string }>(
      `SELECT ROW(${key.join(', ')})::text AS key, ROW(${columns.join(', ')})::text AS row FROM ${table}`,
    )
  const [left, right] = [await read(source), await read(target)]
  return key.length === 0 ? bags(left, right) : keyed(left, right)
}

type Rows = readonly { readonly key: string; readonly row: string }[]

function keyed(left: Rows, right: Rows): Differences {
  const there = new Map(right.map(({ key, row }) => [key, row]))
  const here = new Set(left.map(({ key }) => key))
  return {
    onlyInSource: left.filter(({ key }) => !there.has(key)).length,
    onlyInTarget: right.filter(({ key }) => !here.has(key)).length,
    changed: left.filter(({ key, row }) => there.has(key) && there.get(key) !== row).length,
  }
}

function bags(left: Rows, right: Rows): Differences {
  const surplus = new Map<string, number>()
  for (const { row } of left) surplus.set(row, (surplus.get(row) ?? 0) + 1)
  for (const { row } of right) surplus.set(row, (surplus.get(row) ?? 0) - 1)
  const counts = [...surplus.values()]
  const total = (of: number[]) => of.reduce((sum, count) => sum + Math.abs(count), 0)
  return {
    onlyInSource: total(counts.filter((count) => count > 0)),
    onlyInTarget: total(counts.filter((count) => count < 0)),
    changed: 0,
  }
}
