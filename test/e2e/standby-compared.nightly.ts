/** A standby that is compared by its own clock while an application writes: on Azure, one stack for all. */
import { standbyWorkflowId } from '../../contracts/replicate'
import type { StandbyRecord } from '../../contracts/standby'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { eventually, until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { createPair, type Pair, startTransfers, type Transfers } from '../support/replicating'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let pair: Pair
let transfers: Transfers

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  pair = await createPair(capstan, 'azure', { both: true, compare: '{ every: 1m }', endpoint: async () => '{ kind: none }' })
  transfers = startTransfers(pair)
  const { code, stderr } = await pair.run('replicate', 'stock', '--operation', 'set-up')
  if (code !== 0) throw new Error(stderr)
})
afterAll(async () => {
  await transfers?.stop()
  await (await starting)?.close()
})

const id = () => ({ source: 'stock', target: pair.name })

async function standing(): Promise<StandbyRecord> {
  const record = await capstan.ledger.getStandby(id())
  if (record === null) throw new Error('the ledger has no standby')
  return record
}

test('when its turn comes it is found equal, by nobody’s order and with no lock taken', async () => {
  const { compared } = await standing()
  expect(compared).toMatchObject({ last: { verdict: 'equal' } })
  const equal = await eventually('a comparison by the clock', async () => {
    const now = (await standing()).compared
    return now?.last != null && now.last.startedAt !== compared?.last?.startedAt ? now : undefined
  })
  expect(equal).toMatchObject({ last: { verdict: 'equal', tables: 2 }, equalAt: equal.last?.startedAt })
  const kinds = (await capstan.ledger.listOperations({ limit: 10 })).map(({ kind }) => kind)
  expect(kinds).toEqual(['replicate'])
})

test('one that hangs stops no look', async () => {
  const keeper = await pair.standby.admin()
  // who applies waits for it, so that whatever is written from here on differs; whoever reads does not
  await keeper.execute('BEGIN; LOCK TABLE public.transfers IN EXCLUSIVE MODE')
  try {
    const from = new Date().toISOString()
    await capstan.ledger.noteComparison({ ...id(), note: { kind: 'asked', at: from } })
    const begun = await eventually('its beginning', async () => {
      const running = (await standing()).compared?.running
      return running != null && running.since >= from ? running : undefined
    })
    const looks = new Set<string>()
    await until('looks meanwhile', async () => {
      const { look, compared } = await standing()
      if (look !== null && look.at > begun.since) looks.add(look.at)
      return looks.size >= 3 || compared?.running?.since !== begun.since
    })
    expect(looks.size).toBeGreaterThan(1)
  } finally {
    await keeper.close()
  }
  await until('its end', async () => (await standing()).compared?.running === null)
})

test('rows that are spoilt by hand are told in its next turn, writing does not move to them, and once they are copied anew it does', async () => {
  // of accounts each transfer brings the whole row anew
  await pair.onStandby('UPDATE public.transfers SET amount = amount + 1 WHERE id <= 3')
  const told = await eventually('the rows', async () => {
    const last = (await standing()).compared?.last
    return last?.verdict === 'different' ? last : undefined
  })
  expect(told.differing.map(({ table }) => table)).toEqual(['public.transfers'])
  expect((await pair.cli('standby', 'list')).stdout).toContain('rows differ')
  const planned = async (operation: string) => {
    const { stdout } = await pair.run('switchover', 'stock', '--plan', '--operation', operation)
    return stdout
  }
  expect(await planned('refused')).toContain('switchover:rows-differ')
  const { code } = await pair.run('standby', 'reseed', 'stock', '--table', 'public.transfers', '--operation', 'mended')
  expect(code).toBe(0)
  await until('all of it to be equal', async () => (await standing()).compared?.last?.verdict === 'equal')
  expect(await planned('allowed')).not.toContain('switchover:rows-differ')
})

test('with the standby its comparisons end', async () => {
  expect((await pair.run('standby', 'remove', 'stock', '--operation', 'removed')).code).toBe(0)
  const watch = capstan.temporal.workflow.getHandle(standbyWorkflowId(id()))
  await until('the end of the watch', async () => (await watch.describe()).status.name === 'COMPLETED')
  await recordHistory(capstan.temporal, standbyWorkflowId(id()), 'standby-compared')
})
