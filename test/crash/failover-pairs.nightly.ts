/** Failovers between other clouds than from RDS to Cloud SQL: to Azure, and from Azure and Cloud SQL, which had become the writer before. Each source stands still, and is
 *  fenced by its own cloud; what it has alone is told by a salvage. A stack for each, since there is no way back. */
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverKept } from '../../contracts/failover'
import { SALVAGE_DOCUMENTS, type SalvageReport } from '../../contracts/salvage'
import { until } from '../support/eventually'
import { labDoor } from '../support/lab'
import { Switching } from '../support/switching'

let it: Switching | undefined
afterEach(() => it?.close())

/** An acknowledgement is heard when this process comes round to it. */
const CLOCKS_MS = 1_000

test.each([
  { from: 'aws', to: 'azure', by: 'azure' },
  { from: 'azure', to: 'aws', by: 'azure' },
  { from: 'gcp', to: 'aws', by: 'gcp' },
] as const)(
  'from $from to $to: one writer, what it lacks is what was said, and the old writer says by key what it has alone',
  async ({ from, to, by }) => {
    it = await Switching.start(by)
    const { ledger } = it.capstan
    const { name } = it.pair
    await it.isFollowing('stock', name)
    if (from !== 'aws') {
      const there = await it.ended('there', 'switchover', 'stock', '--to', name, '--unproven', '--compare-within', '5s')
      expect(there).toMatchObject({ status: 'succeeded', failure: null })
      await it.isFollowing(name, 'stock')
    }
    const [source, standby] = from === 'aws' ? ['stock', name] : [name, 'stock']
    await it.writesGoOn()
    const lab = labDoor(it.capstan)
    const frozen = await lab.order({ cloud: from, kind: 'freeze-instance', instance: 'stock', for: '1h' })
    const running = it.ended('dead', 'failover', source, '--to', standby, '--patience', '3s', '--accept-loss', '1h')
    await until('its cloud to be told', async () => (await ledger.listFences()).some(({ before }) => before !== null))
    await lab.withdraw(frozen)
    expect(await running).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
    await it.writesGoOn()

    const kept = (await ledger.getDocument({ operation: 'dead', name: FAILOVER_DOCUMENTS.kept })) as FailoverKept
    const fenced = (await ledger.getDocument({ operation: 'dead', name: FAILOVER_DOCUMENTS.fenced })) as FailoverFence
    const known = [...it.bank.times]
    const on = from === 'aws' ? it.pair.onStandby : it.pair.onSource
    const here = new Set(
      (await on<{ amount: number }>('SELECT amount::int AS amount FROM public.transfers')).map(({ amount }) => amount),
    )
    const lost = known.filter(([number]) => !here.has(number)).map(([, at]) => at)
    const [beat, proven] = [Date.parse(kept.beat?.at ?? ''), Date.parse(fenced.at)]
    expect(lost.filter((at) => at < beat - CLOCKS_MS || at > proven + CLOCKS_MS)).toEqual([])
    expect(it.writers()).toEqual(from === 'aws' ? ['source', 'standby'] : ['source', 'standby', 'source'])
    expect(to).toBe(from === 'aws' ? by : 'aws')

    const looked = await it.ended('salvage', 'salvage', 'rows', source, '--into', standby)
    expect(looked).toMatchObject({ status: 'succeeded', failure: null })
    const report = (await ledger.getDocument({ operation: 'salvage', name: SALVAGE_DOCUMENTS.report })) as SalvageReport
    const transfers = report.looked?.tables.find(({ table }) => table === 'public.transfers')
    expect(transfers?.there).toBeGreaterThanOrEqual(lost.length)
    await it.writesGoOn()
  },
  900_000,
)
