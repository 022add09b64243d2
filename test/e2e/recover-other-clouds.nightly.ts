/** Rows that come back, and the moment at which they went, on Azure and Google Cloud, where a copy runs before it is inert. One stack for both. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FIND_MOMENT_DOCUMENTS, type SearchResult } from '../../contracts/find-moment'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { createOtherTarget, MASTER_PASSWORD, type OtherTarget } from '../support/other-clouds'
import { approvedRun } from '../support/recovering'
import { fillItems, passed, RestoreDesk, wholeSecond } from '../support/restores'
import { FIRST, ROWS } from '../support/target'

const CLOUDS = ['azure', 'gcp'] as const
type Vouched = (typeof CLOUDS)[number]

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
const places = new Map<Vouched, { readonly target: OtherTarget; readonly desk: RestoreDesk; readonly fleet: string }>()

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  for (const cloud of CLOUDS) {
    const target = await createOtherTarget(cloud, capstan)
    await target.reset()
    const fleet = target.fleet(FIRST)
    places.set(cloud, { target, fleet, desk: new RestoreDesk(capstan, () => fleet) })
  }
})
afterAll(async () => (await starting)?.close())

test.each(CLOUDS)('on %s the moment is found and the rows come back, once somebody vouches for those moments', async (cloud) => {
  const place = places.get(cloud)
  if (place === undefined) throw new Error(`no target on ${cloud}`)
  const { target, desk, fleet } = place
  await fillItems(target)
  const from = wholeSecond(Date.now())
  await passed(from)
  await sleep(300)
  const sentMs = Date.now()
  await target.rows('DELETE FROM public.items WHERE id <= 50')
  const ackedMs = Date.now()
  const to = new Date(Math.max(Date.parse(from) + 2_000, Date.parse(wholeSecond(ackedMs)))).toISOString()
  await passed(to)
  await target.rows(`INSERT INTO public.items (id, name) VALUES (9000, 'later')`)
  await desk.reach(`${cloud}-found`, to, '--was-dormant')

  const search = (id: string, ...more: string[]) =>
    desk.cli(
      ...['restore', 'when', 'stock', '--fleet', fleet, '--json', '--operation', id, '--holds'],
      ...[`SELECT count(*) >= ${ROWS} FROM public.items`, '--from', from, '--to', to, '--precision', '1s', ...more],
    )
  const rows = ['--to', from, '--rows', 'public.items']
  expect(JSON.parse((await search(`${cloud}-unsaid`)).stdout)).toMatchObject({ failure: { code: 'CANARY_NOT_INERT' } })
  expect((await desk.restore(`${cloud}-unvouched`, ...rows)).operation.failure).toMatchObject({ code: 'CANARY_NOT_INERT' })

  const found = await search(`${cloud}-found`, '--was-dormant')
  expect(JSON.parse(found.stdout)).toMatchObject({ status: 'succeeded', failure: null })
  const kept = { operation: `${cloud}-found`, name: FIND_MOMENT_DOCUMENTS.result }
  const { answer } = (await capstan.ledger.getDocument(kept)) as SearchResult
  if (answer.kind !== 'found') throw new Error(`it found ${answer.kind}`)
  expect(Date.parse(answer.firstBad) - Date.parse(answer.lastGood)).toBeLessThanOrEqual(1_000)
  expect([Date.parse(answer.lastGood) <= ackedMs, Date.parse(answer.firstBad) >= sentMs]).toEqual([true, true])

  const id = `${cloud}-rows`
  const waiting = async () => {
    for (;;) {
      const record = await capstan.ledger.getOperation(id)
      if (record?.status === 'awaiting-approval') return record
      if (record?.finishedAt) throw new Error(`${id} ended: ${record.failure?.message ?? record.status}`)
      await sleep(50)
    }
  }
  const { operation } = await approvedRun(desk, id, ['--to', answer.lastGood, '--rows', 'public.items', '--was-dormant'], waiting)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(operation.steps.find((step) => step.id === 'verify')?.detail).toMatchObject({ brought: 50, same: 50 })
  const count = await target.rows<{ n: number }>('SELECT count(*)::int AS n FROM public.items WHERE id <= 50')
  expect([count, await target.leftovers()]).toEqual([[{ n: 50 }], []])
})
