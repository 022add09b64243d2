/** Failovers between Azure and Cloud SQL, with the bank of test/bank: none of both is the cloud that everything else begins on. The source stands still, and is fenced by its own
 *  cloud; what the standby lacks is what was said, nothing is there twice, and there is one writer, also once its cloud has started the old one again. */
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverKept } from '../../contracts/failover'
import { SALVAGE_DOCUMENTS, type SalvageReport } from '../../contracts/salvage'
import { startBank } from '../bank/bank'
import { violationsOf } from '../bank/checker'
import { now } from '../bank/client/journal'
import { Ground } from '../bank/ground'
import type { Seen } from '../bank/history'
import { sideOf } from '../bank/run'
import { NODES, SUM } from '../bank/schema'
import { until } from '../support/eventually'
import { startedByItsCloud } from '../support/zombies'

let ground: Ground | undefined
afterEach(() => ground?.close())

const RUN = 'far'
/** Between an answer, and the moment at which a client's process comes round to it. */
const CLOCKS_MS = 1_000
/** What a forced move of writing may cost. Each of these is held against the window that was told. */
const LOSS = /^(acknowledged and lost|a probe's row, acknowledged and lost|a writer that came again found less)/

/** When each was acknowledged that the standby has not, in milliseconds since 1970. */
function lostTimes({ attempts, accepted }: Seen, side: Awaited<ReturnType<typeof sideOf>>): number[] {
  const wall = Date.now() - now()
  const keys = new Set(side.rows.map(({ key }) => key))
  const probes = new Set(side.probes.map(({ id }) => id))
  return [
    ...attempts.flatMap(({ key, outcome, sent }) => (outcome === 'acknowledged' && !keys.has(key) ? [sent?.to ?? 0] : [])),
    ...accepted.flatMap(({ id, to }) => (probes.has(id) ? [] : [to])),
  ].map((at) => at + wall)
}

test.each([
  { from: 'azure', to: 'gcp' },
  { from: 'gcp', to: 'azure' },
] as const)(
  'from $from to $to: one writer, and nothing is lost but what was said to be',
  async ({ from, to }) => {
    ground = await Ground.start()
    const { capstan, lab } = ground
    const { writer, follower } = await ground.stand(from, to)
    await ground.isFollowing()
    const application = await ground.application()
    const direct = [writer, follower].map((place) => ({
      login: ground?.direct(place) ?? application,
      endpoint: place.cloud,
      run: RUN,
    }))
    const bank = startBank({
      writers: [0, 1, 2, 3].map((at) => ({ login: application, name: `${RUN}/${at}`, asynchronous: false, seed: at })),
      probes: [{ login: application, endpoint: 'application', run: RUN }, ...direct],
      readers: [],
    })
    let seen: Seen
    try {
      await bank.goesOn(20)
      const frozen = await lab.order({ cloud: from, kind: 'freeze-instance', instance: 'stock', for: '1h' })
      const words = ['failover', writer.name, '--to', follower.name, '--patience', '3s', '--accept-loss', '1h']
      const running = ground.ended('dead', ...words)
      await until('its cloud to be told', async () => (await capstan.ledger.listFences()).some(({ before }) => before !== null))
      await lab.withdraw(frozen)
      expect(await running).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
      await bank.goesOn()
      await startedByItsCloud(capstan, from)
      await bank.goesOn()
    } finally {
      seen = await bank.stop()
    }
    const side = await sideOf(follower, RUN)
    const turns = [writer.server, follower.server]
    const wrong = violationsOf({ ...seen, sum: SUM, nodes: NODES, turns, sides: [side], givenUp: null, crashes: false })
    expect(wrong.filter((one) => !LOSS.test(one))).toEqual([])
    const document = (operation: string, name: string) => capstan.ledger.getDocument({ operation, name })
    const kept = (await document('dead', FAILOVER_DOCUMENTS.kept)) as FailoverKept
    const fenced = (await document('dead', FAILOVER_DOCUMENTS.fenced)) as FailoverFence
    const [beat, proven] = [Date.parse(kept.beat?.at ?? ''), Date.parse(fenced.at)]
    const lost = lostTimes(seen, side)
    expect(lost.filter((at) => at < beat - CLOCKS_MS || at > proven + CLOCKS_MS)).toEqual([])

    const looked = await ground.ended('salvage', 'salvage', 'rows', writer.name, '--into', follower.name)
    expect(looked).toMatchObject({ status: 'succeeded', failure: null })
    const report = (await document('salvage', SALVAGE_DOCUMENTS.report)) as SalvageReport
    const alone = (report.looked?.tables ?? []).reduce((sum, { there }) => sum + there, 0)
    expect(alone).toBeGreaterThanOrEqual(lost.length)
  },
  900_000,
)
