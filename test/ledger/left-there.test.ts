/** What an old writer has alone, by the operations of the ledger. */
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import type { OperationDocument } from '../../contracts/operation'
import { SALVAGE_DOCUMENTS } from '../../contracts/salvage'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { DocumentRef } from '../../ledger/documents'
import { leftThere } from '../../ledger/given-up'
import type { MovesLedger } from '../../ledger/moved-last'
import type { OperationsQuery } from '../../ledger/operations'

const asked = (id: string, kind: string, databases: readonly string[], more: object = {}) =>
  ({ id, kind, databases, steps: [], status: 'succeeded', verdict: 'pass', ...more }) as unknown as OperationDocument

const LOST = asked('lost', 'failover', ['old', 'new'])
const MOVED = asked('moved', 'switchover', ['old', 'new'])
const SALVAGE = asked('salvage', 'salvage', ['new'])
const ORDERS = { table: 'public.orders', there: 3, differs: 0, note: null, whole: true }
const MERGED = {
  [`lost ${FAILOVER_DOCUMENTS.kept}`]: { drained: false },
  [`salvage ${SALVAGE_DOCUMENTS.report}`]: { failover: 'lost', merge: ['orders'], looked: { tables: [ORDERS], apart: [] } },
}

interface World {
  readonly by?: OperationDocument
  readonly onward?: readonly OperationDocument[]
  readonly operations?: readonly OperationDocument[]
  readonly documents?: Readonly<Record<string, object>>
}

function left({ by = LOST, onward = [], operations = [SALVAGE], documents = MERGED }: World) {
  const ledger = {
    listOperations: async ({ database, kind }: OperationsQuery) =>
      operations.filter((one) => one.kind === kind && one.databases.includes(database ?? '')),
    getDocument: async ({ operation, name }: DocumentRef) => documents[`${operation} ${name}`] ?? null,
  } as unknown as MovesLedger
  return leftThere(ledger, { old: 'old', writer: 'new', by, since: '2026-11-30T10:10:00.000Z', onward })
}

test('what was salvaged and brought over is not there alone', async () => {
  expect(await left({})).toEqual({ whole: false, salvage: 'salvage', left: [] })
})

test('it is, once the one that it was brought to is no writer any more, or was overwritten since', async () => {
  const there = [expect.stringMatching(/^public\.orders: 3 rows there alone$/)]
  const switched = asked('on', 'switchover', ['new', 'third'])
  expect(await left({ onward: [switched] })).toMatchObject({ left: there })
  expect(await left({ operations: [SALVAGE, asked('over', 'overwrite', ['new'])] })).toMatchObject({ left: there })
})

test('whatever a later failover lost may have come from it', async () => {
  const failed = asked('on', 'failover', ['new', 'third'])
  const told = expect.stringMatching(/^what new had from it and on lost/)
  expect((await left({ by: MOVED, onward: [failed], documents: {} })).left).toEqual([told])
  const drained = { [`on ${FAILOVER_DOCUMENTS.kept}`]: { drained: true } }
  expect((await left({ by: MOVED, onward: [failed], documents: drained })).left).toEqual([])
})

test('a switchover leaves what its unlogged tables hold, and whatever was written past a step that was left out', async () => {
  const documents = { [`moved ${SWITCHOVER_DOCUMENTS.plan}`]: { unlogged: ['public.cache'] } }
  expect(await left({ by: MOVED, documents })).toEqual({
    ...{ whole: true, salvage: null },
    left: ['what the unlogged table public.cache held'],
  })
  const leftOut = asked('moved', 'switchover', ['old', 'new'], { verdict: 'fail' })
  expect((await left({ by: leftOut, documents: {} })).left).toEqual([expect.stringMatching(/while a step of moved was left out/)])
})
