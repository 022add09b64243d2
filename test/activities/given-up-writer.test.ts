/** Which old writer may be rebuilt, by the ledger alone, and whose word that takes. */
import { runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { findGivenUp } from '../../activities/replication/given-up'
import { BREAK_GLASS_DOCUMENTS } from '../../contracts/break-glass'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import type { OperationDocument } from '../../contracts/operation'
import { SALVAGE_DOCUMENTS } from '../../contracts/salvage'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { DocumentRef } from '../../ledger/documents'
import type { OperationsQuery } from '../../ledger/operations'

const asked = (id: string, kind: string, databases: readonly string[], minute: number) =>
  ({
    ...{ id, kind, databases, steps: [], status: 'succeeded' },
    startedAt: `2026-11-30T10:${String(minute).padStart(2, '0')}:00.000Z`,
  }) as unknown as OperationDocument

interface World {
  readonly operations?: readonly OperationDocument[]
  readonly documents?: Readonly<Record<string, object>>
  readonly fence?: object | null
  readonly pair?: object | null
  readonly discard?: string
  readonly standbys?: readonly object[]
  readonly beside?: readonly string[]
  readonly bundles?: Readonly<Record<string, object>>
}

const LOST = asked('lost', 'failover', ['old', 'new'], 10)
const GAVE_UP = {
  [`lost ${FAILOVER_DOCUMENTS.opened}`]: {},
  [`lost ${FAILOVER_DOCUMENTS.plan}`]: { source: { instance: 'i', instanceId: 'i-1' } },
  [`lost ${FAILOVER_DOCUMENTS.kept}`]: { drained: false },
}
const DRAINED = { ...GAVE_UP, [`lost ${FAILOVER_DOCUMENTS.kept}`]: { drained: true } }
const FENCE = { instance: 'i', instanceId: 'i-1', state: 'fenced', operation: 'lost', bundle: 'fencing' }
const SHARED = { ...FENCE, heldFor: [{ operation: 'other', bundle: 'of-another' }] }
const SALVAGE = asked('salvage', 'salvage', ['new'], 20)
const table = (of: object) => ({ table: 'public.t', there: 0, differs: 0, note: null, whole: true, ...of })
const looked = (tables: readonly object[], merge: readonly string[] = []) => ({
  [`salvage ${SALVAGE_DOCUMENTS.report}`]: { failover: 'lost', merge, looked: { tables, apart: [] } },
})
const REPORTED = { operations: [LOST, SALVAGE], fence: FENCE }

/** Its code, or why somebody else has to approve. */
async function found({
  operations = [LOST],
  documents = GAVE_UP,
  fence = null,
  pair = null,
  discard,
  standbys = [],
  beside = [],
  bundles = {},
}: World): Promise<string | null> {
  const entry = (name: string) => ({ name, cloud: 'aws', account: 'a', region: 'r', instance: 'i' })
  const rebuild = { discard: discard ?? null, beside }
  const written: object[] = []
  const ledger = {
    getBundle: async (bundle: string) =>
      bundles[bundle] ?? {
        database: entry(bundle === 'fencing' ? 'old' : 'new'),
        replicate: { action: 'set-up', table: null, standby: entry('old'), declared: {}, rebuild },
      },
    getStandby: async () => pair,
    listStandbys: async () => standbys,
    listOperations: async ({ database, kind, since = '' }: OperationsQuery) =>
      operations.filter((one) => one.kind === kind && one.databases.includes(database ?? '') && one.startedAt >= since),
    getDocument: async ({ operation, name }: DocumentRef) => documents[`${operation} ${name}`] ?? null,
    getOrigin: async (id: string) => ({ bundle: id }),
    getFence: async () => fence,
    putDocument: async ({ document }: { document: object }) => void written.push(document),
  }
  const act = { signal: new AbortController().signal, stale: () => false } as unknown as Parameters<typeof runAct>[0]
  return runAct(act, async () => {
    try {
      const writer = await findGivenUp({ ledger } as unknown as ActivityDeps, { operation: 'rebuild', step: 'find', bundle: 'b' })
      expect(written).toEqual([expect.objectContaining({ digest: writer.digest, asks: writer.asks })])
      expect(writer.fence === null).toBe(fence === null || (fence as typeof FENCE).state === 'lifted')
      return writer.asks
    } catch (error) {
      return (error as { code: string }).code
    }
  })
}

test.each<[string, World, string]>([
  ['writing never moved away from it', { operations: [] }, 'RESOURCE_NOT_OURS'],
  ['a failover from it came to nothing', { documents: {} }, 'RESOURCE_NOT_OURS'],
  ['writing moved to another one', { operations: [asked('lost', 'failover', ['old', 'third'], 10)] }, 'RESOURCE_NOT_OURS'],
  [
    'writing moved back to it since',
    {
      operations: [asked('back', 'switchover', ['new', 'old'], 20), LOST],
      documents: { ...GAVE_UP, [`back ${SWITCHOVER_DOCUMENTS.moved}`]: {} },
      fence: FENCE,
    },
    'RESOURCE_NOT_OURS',
  ],
  [
    'writing was moved back to it by hand since',
    {
      operations: [asked('back', 'switchover', ['new', 'old'], 20), LOST],
      documents: { ...GAVE_UP, [`back ${BREAK_GLASS_DOCUMENTS.journal}`]: { deed: 'finish' } },
      fence: FENCE,
      discard: 'x',
    },
    'RESOURCE_NOT_OURS',
  ],
  [
    'another one follows it',
    { fence: FENCE, discard: 'x', standbys: [{ source: 'old', target: 'third', state: 'late' }] },
    'RESOURCE_NOT_OURS',
  ],
  ['its fence is that of another database as well', { fence: SHARED, discard: 'x' }, 'RESOURCE_NOT_OURS'],
  ['its fence keeps others away besides', { fence: FENCE, discard: 'x', beside: ['crm'] }, 'RESOURCE_NOT_OURS'],
  ['it follows already', { pair: { state: 'following', source: 'new', target: 'old' }, fence: FENCE }, 'STANDBY_EXISTS'],
  ['its fence was lifted', { fence: { ...FENCE, state: 'lifted' }, discard: 'x' }, 'FENCE_LIFTED'],
  ['another instance of its name is fenced', { fence: { ...FENCE, instanceId: 'i-2' }, discard: 'x' }, 'FENCE_LIFTED'],
  ['nobody has looked', { fence: FENCE }, 'DATABASE_REFUSED'],
  [
    'somebody has looked after another failover',
    {
      ...REPORTED,
      documents: {
        ...GAVE_UP,
        [`salvage ${SALVAGE_DOCUMENTS.report}`]: { failover: 'before', merge: [], looked: { tables: [], apart: [] } },
      },
    },
    'DATABASE_REFUSED',
  ],
  [
    'a look was begun and not finished',
    {
      ...REPORTED,
      documents: { ...GAVE_UP, [`salvage ${SALVAGE_DOCUMENTS.report}`]: { failover: 'lost', merge: [], looked: null } },
    },
    'DATABASE_REFUSED',
  ],
])('it is not touched where %s', async (_, world, code) => {
  expect(await found(world)).toBe(code)
})

test('one that has nothing alone is emptied unasked: a salvage found nothing, or it was drained', async () => {
  expect(await found({ ...REPORTED, documents: { ...GAVE_UP, ...looked([table({})]) } })).toBeNull()
  expect(await found({ documents: DRAINED })).toBeNull()
})

test('what is known to be there alone somebody else lets go, by name', async () => {
  const left = async (tables: readonly object[], merge: readonly string[] = []) =>
    found({ ...REPORTED, documents: { ...GAVE_UP, ...looked(tables, merge) } })
  expect(await left([table({ there: 3, differs: 1 })])).toBe(
    'old alone has it, and it is thrown away: public.t: 3 rows there alone, 1 that differ',
  )
  // brought over since; what differs stays
  expect(await left([table({ there: 3 })], ['t'])).toBeNull()
  expect(await left([table({ there: 3, differs: 1 })], ['public.t'])).toContain('1 that differ')
  expect(await left([table({ whole: false, note: 'it has no key' })])).toContain('it has no key')
  const large = { [`lost ${FAILOVER_DOCUMENTS.kept}`]: { drained: true, uncarried: ['two large objects'] } }
  expect(await found({ documents: { ...GAVE_UP, ...large } })).toContain('two large objects')
})

test('what nobody has looked at somebody else lets go, with the reason that was given', async () => {
  expect(await found({ fence: FENCE, discard: 'a test system' })).toBe('what old has alone is thrown away unseen: a test system')
  // whoever has looked knows better than whoever says that he need not
  expect(await found({ ...REPORTED, documents: { ...GAVE_UP, ...looked([table({})]) }, discard: 'a test system' })).toBeNull()
})

test('what only the new writer has is not called the old one’s alone', async () => {
  const report = {
    failover: 'lost',
    merge: [],
    looked: { tables: [], apart: ['a table there', 'a new table'], alone: ['a table there'] },
  }
  const asks = await found({ ...REPORTED, documents: { ...GAVE_UP, [`salvage ${SALVAGE_DOCUMENTS.report}`]: report } })
  expect(asks).toContain('a table there')
  expect(asks).not.toContain('a new table')
})

test('one that was rebuilt since has nothing alone, and is rebuilt again without its cloud’s fence', async () => {
  const again = asked('again', 'replicate', ['new', 'old'], 30)
  const lifted = { ...FENCE, state: 'lifted' }
  expect(await found({ operations: [LOST, again], fence: lifted })).toBeNull()
  const bundles = { again: { replicate: { action: 'set-up' } } }
  expect(await found({ operations: [LOST, again], fence: lifted, bundles })).toBe('FENCE_LIFTED')
})
