/** Whether one more database is made a writer, by what the ledger holds of those that were made so before. */
import { givenUpBefore } from '../../activities/failover/given-up'
import { writerElsewhere } from '../../activities/failover/writer-elsewhere'
import type { MigrationBundle } from '../../contracts/bundle'
import { EXCHANGE_DOCUMENTS } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import type { OperationKind } from '../../contracts/operation'
import type { ReplicateRequest } from '../../contracts/replicate'
import type { DeclaredStandby } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { fleetEntry } from '../client/fleet-entry'
import { withLedger } from '../client/with-ledger'

const it = withLedger()

type Deed = Pick<ReplicateRequest, 'action' | 'table'>

interface Was {
  readonly id: string
  readonly kind: OperationKind
  /** The source first. */
  readonly databases: readonly [string, string]
  readonly minute: number
  readonly documents?: Readonly<Record<string, object>>
  readonly deed?: Deed
}

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 30, 10, minute)).toISOString()
const CONNECTION = { user: 'follower', secret: 'env:X', host: null, port: null, tls: 'require' } as const
const declared = (database: string): DeclaredStandby => ({
  ...{ database, publisher: CONNECTION, retainedBytesMax: 1e9, lagMsMax: 60_000 },
})

let worlds = 0

/** Databases and operations of a ledger that nobody else asks about: all that was before, each to its end. Resolves to what they are called there. */
async function world(before: readonly Was[]): Promise<(short: string) => string> {
  worlds += 1
  const named = (
    (number: number) => (short: string) =>
      `${short}-${number}`
  )(worlds)
  for (const { id, kind, databases, minute, documents = {}, deed } of before) {
    const [database, other] = databases.map((one) => fleetEntry(named(one))) as [
      MigrationBundle['database'],
      MigrationBundle['database'],
    ]
    const replicate = deed === undefined ? {} : { replicate: { ...deed, standby: other, declared: declared(other.name) } }
    const bundle = await it.ledger.putBundle({ version: 1, database, migrations: [], ...replicate })
    const operation = named(id)
    await it.ledger.openOperation({
      ...{ id: operation, kind, databases: databases.map(named), requestedBy: 'ada', startedAt: at(minute), bundle },
      ...{ cloud: 'aws', environment: 'production', mode: 'apply' },
    })
    for (const [name, document] of Object.entries(documents)) await it.ledger.putDocument({ operation, name, document })
    await it.ledger.setStatus({ operation, status: 'succeeded', verdict: 'pass', finishedAt: at(minute + 1) })
  }
  return named
}

const { opened, plan } = FAILOVER_DOCUMENTS
const { plan: exchangePlan, proven } = EXCHANGE_DOCUMENTS
const { moved } = SWITCHOVER_DOCUMENTS
const OPENED = { [opened]: {} }
const MOVED = { [moved]: {} }
/** Of the instance that is asked about. */
const GAVE_UP = { ...OPENED, [plan]: { source: { instanceId: 'a-1' } } }
const TOOK_OVER = { ...OPENED, [exchangePlan]: { source: { instanceId: 'a-1' } } }

const toB: Was = { id: 'first', kind: 'failover', databases: ['a', 'b'], minute: 10, documents: GAVE_UP }
const byCloud: Was = { id: 'cloud', kind: 'exchange', databases: ['a', 'b'], minute: 10, documents: TOOK_OVER }
const back = (
  kind: 'failover' | 'switchover' | 'exchange',
  documents: Was['documents'] = {},
  minute = 20,
  of: Was['databases'] = ['b', 'a'],
) => ({
  ...{ id: 'back', kind, databases: of, minute, documents },
})
const seeding = (deed: Deed, minute = 20, databases: Was['databases'] = ['a', 'c']): Was => ({
  ...{ id: 'seeding', kind: 'replicate', databases, minute, deed },
})
const all = (action: Deed['action']): Deed => ({ action, table: null })
const wrote = (writer: 'source' | 'standby' | 'none') => ({ [proven]: { writer } })

test.each<[string, readonly Was[], boolean]>([
  ['a failover opened another standby of it', [toB], true],
  ['this very failover did', [{ ...toB, id: 'second', documents: OPENED }], false],
  ['it was taken back before', [{ ...toB, documents: {} }], false],
  ['a switchover back was begun since, came to nothing, and made the row of the pair its own', [toB, back('switchover')], true],
  ['a failover made it the writer again', [toB, back('failover', OPENED)], false],
  ['a switchover did', [toB, back('switchover', MOVED, 20, ['d', 'a'])], false],
  ['a switchover moved writing away from it', [toB, back('switchover', MOVED, 20, ['a', 'd'])], true],
  ['it was the writer before that', [back('failover', OPENED, 5, ['d', 'a']), toB], true],
  ['a standby was made from it since', [toB, seeding(all('set-up'))], false],
  ['one was seeded anew from it', [toB, seeding(all('reseed'))], false],
  ['a table was', [toB, seeding({ action: 'reseed', table: 'public.t' })], true],
  ['one was removed', [toB, seeding(all('remove'))], true],
  ['one was made from it before', [seeding(all('set-up'), 5), toB], true],
  ['it was made a standby itself', [toB, seeding(all('set-up'), 20, ['b', 'a'])], true],
  ['its cloud made a replica of it the writer', [byCloud], true],
  ['and that came to nothing', [{ ...byCloud, documents: { ...TOOK_OVER, ...wrote('none') } }], false],
  ['it exchanged both back since', [byCloud, back('exchange', wrote('standby'))], false],
  ['and it came to nothing', [byCloud, back('exchange', wrote('source'))], true],
  ['its cloud made it the writer again', [toB, back('exchange', wrote('standby'))], false],
])('a second standby is opened or not, by the ledger alone: %s', async (_, before, blocked) => {
  const named = await world(before)
  const source = { name: named('a'), instanceId: 'a-1' }
  const found = await givenUpBefore(it.ledger, { source, operation: named('second'), beatAt: at(9) })
  expect(found.blocks.map(({ rule }) => rule)).toEqual(blocked ? ['failover:opened'] : [])
  expect(found.asks).toBeNull()
})

/** By the cloud, of an instance of that identity. */
async function fenced(named: (short: string) => string, documents: Readonly<Record<string, object>>) {
  const source = fleetEntry(named('a'))
  const bundle = await it.ledger.putBundle({
    ...{ version: 1, database: source, migrations: [], exchange: { standby: fleetEntry(named('b')), followMsMax: 1_000 } },
  })
  const operation = named('first')
  await it.ledger.openOperation({
    ...{ id: operation, kind: 'exchange', databases: [source.name, named('b')], requestedBy: 'ada', startedAt: at(10), bundle },
    ...{ cloud: 'aws', environment: 'production', mode: 'apply' },
  })
  for (const [name, document] of Object.entries(documents)) await it.ledger.putDocument({ operation, name, document })
  const { cloud, account, region, instance } = source
  const place = { cloud, account, region, instance }
  const instanceId = 'another'
  await it.ledger.openFence({
    ...{ ...place, instanceId, operation, bundle, database: source.name, since: at(10) },
    ...{ requestedBy: 'ada', reason: 'it is dead', leftIn: ['sg-1'] },
  })
  await it.ledger.changeFence({ place, instanceId, from: ['fencing'], to: 'fenced' })
  return { source, at: { instance, instanceId } }
}

test('whichever way one more is made a writer, the fence and the records of standbys say who writes instead', async () => {
  const rules = async (documents: Readonly<Record<string, object>>, operation = 'second') => {
    const named = await world([])
    // of another instance than the one that the operation planned for: its fence alone speaks
    const found = await fenced(named, { ...documents, [exchangePlan]: { source: { instanceId: 'a-1' } } })
    const { blocks } = await writerElsewhere(it.ledger, { ...found, operation: named(operation), beatAt: null })
    return blocks.map(({ rule }) => rule)
  }
  expect(await rules(OPENED)).toEqual(['failover:opened'])
  expect(await rules(OPENED, 'first')).toEqual([])
  // by its cloud, which made nobody the writer
  expect(await rules({ ...OPENED, ...wrote('none') })).toEqual([])
  expect(await rules({})).toEqual([])
  const named = await world([])
  const source = fleetEntry(named('a'))
  await it.ledger.openStandby({
    ...{ source: named('c'), target: source.name, operation: named('set-up'), at: at(1) },
    ...{ instances: { source: 'c-1', target: 'a-1' }, names: { publication: 'p', slot: 's', subscription: 'b' } },
    declared: declared(source.name),
  })
  const where = { source, at: { instance: source.instance, instanceId: 'a-1' }, operation: named('second'), beatAt: null }
  const said = async () => (await writerElsewhere(it.ledger, where)).blocks.map(({ rule }) => rule)
  expect(await said()).toEqual(['failover:follows'])
  // before it by its name, and in the hand of a switchover that was ended by force
  const amid = { source: named('b'), target: source.name }
  await it.ledger.openStandby({
    ...{ ...amid, operation: named('ended'), at: at(2), instances: { source: 'b-1', target: 'a-1' } },
    ...{ names: { publication: 'p', slot: 's', subscription: 'b' }, declared: declared(source.name) },
  })
  await it.ledger.changeStandby({
    ...amid,
    from: 'building',
    to: 'switching',
    reason: null,
    operation: named('ended'),
    at: at(3),
  })
  expect(await said()).toEqual(['failover:follows'])
})

test('of a source that was given up and is written to since by replication a person decides, and another instance was never given up', async () => {
  const named = await world([toB])
  const asks = { operation: named('second'), beatAt: at(20) }
  const since = await givenUpBefore(it.ledger, { source: { name: named('a'), instanceId: 'a-1' }, ...asks })
  expect(since).toMatchObject({
    blocks: [],
    warnings: [{ rule: 'failover:opened' }],
    asks: expect.stringContaining(named('first')),
  })
  const another = await givenUpBefore(it.ledger, { source: { name: named('a'), instanceId: 'a-2' }, ...asks, beatAt: null })
  expect(another).toEqual({ blocks: [], warnings: [], asks: null })
})
