/** What a failover says that it has lost: its record of how much that may be, and the keys that a salvage finds, all of them. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverKept, type FailoverPlan } from '../../contracts/failover'
import { SALVAGE_DOCUMENTS, type SalvageReport } from '../../contracts/salvage'
import { aheadMsMax } from '../../postgres/replicate/watch/skew'
import { now } from './client/journal'
import type { Ground } from './ground'
import type { GivenUp } from './history'

type Left = { readonly table: string; readonly class: 'there' | 'differs'; readonly old: Readonly<Record<string, unknown>> }

/** By what `namesOf` tells them apart. */
const NAMES: Readonly<Record<string, (old: Left['old']) => string>> = {
  'public.transfers': ({ key }) => `transfer ${key}`,
  'public.probes': ({ id }) => `probe ${id}`,
  'public.clients': ({ writer }) => `writer ${writer}`,
  'public.ring': ({ node }) => `node ${node}`,
}

/** The old writer runs for the control plane alone when it resolves. */
export async function salvaged(
  ground: Ground,
  { operation, run }: { readonly operation: string; readonly run: string },
  wrong: string[],
): Promise<GivenUp> {
  const { ledger, dir } = ground.capstan
  const { writer, follower: old } = ground.standing
  const document = async <T>(of: string, name: string) => (await ledger.getDocument({ operation: of, name })) as T
  const kept = await document<FailoverKept>(operation, FAILOVER_DOCUMENTS.kept)
  const fenced = await document<FailoverFence>(operation, FAILOVER_DOCUMENTS.fenced)
  const [from, to] = [Date.parse(kept.beat?.at ?? ''), Date.parse(fenced.at)]
  if (fenced.outcome !== 'proven') wrong.push(`${operation} opened the standby, and the fence was ${fenced.outcome}`)
  const { exposure } = await document<FailoverPlan>(operation, FAILOVER_DOCUMENTS.plan)
  const lossMs = to - from + aheadMsMax(exposure.skew)
  if (kept.lossMsMax !== lossMs)
    wrong.push(`${operation} states ${kept.lossMsMax} ms, and it is ${lossMs} from its beat to its fence by our clock`)

  if (!fenced.staysShut) await ground.closeByHand(operation)
  const looking = `salvage-${operation}`
  const looked = await ground.ended(looking, 'salvage', 'rows', old.name, '--into', writer.name)
  if (looked.status !== 'succeeded') throw new Error(`${looking} ended ${looked.status}: ${looked.failure?.message}`)
  const report = await document<SalvageReport>(looking, SALVAGE_DOCUMENTS.report)
  const left = await valuesOf(ground, looking, join(dir, `${looking}.jsonl`))
  for (const { table, there, differs, whole } of report.looked?.tables ?? []) {
    const count = (kind: Left['class']) => left.filter((one) => one.table === table && one.class === kind).length
    if (there !== count('there') || differs !== count('differs') || !whole)
      wrong.push(`of ${table} ${there} and ${differs} were reported, and there are ${count('there')} and ${count('differs')}`)
  }
  const told = left.flatMap(({ table, old: row }) => NAMES[table]?.(row) ?? [])
  const monotonic = now() - Date.now()
  process.stdout.write(
    `${operation} of ${run}: ${left.length} rows left, ${told.filter((name) => name.startsWith('transfer')).length} of transfers, within ${to - from} ms\n`,
  )
  return { server: old.server, told, from: from + monotonic - CLOCKS_MS, to: to + monotonic + CLOCKS_MS }
}

/** Clocks that are read one after the other, in whole milliseconds. */
const CLOCKS_MS = 3

async function valuesOf(ground: Ground, operation: string, file: string): Promise<Left[]> {
  const { code, stdout, stderr } = await ground.cli('salvage', 'values', operation, '--file', file, '--fleet', ground.fleet)
  if (code !== 0) throw new Error(`capstan salvage values ended with ${code}: ${stdout}${stderr}`)
  const lines = readFileSync(file, 'utf8').split('\n')
  rmSync(file)
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Left)
}
