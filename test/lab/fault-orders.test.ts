import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { awsOffer } from '../../lab/aws/faults/offer'
import { emptyAwsState } from '../../lab/aws/state'
import { type CallRecord, openCallLog } from '../../lab/calls'
import { parseDuration } from '../../lab/duration'
import { FaultBook } from '../../lab/faults/book'
import { type CallFacts, concerns, type Fault } from '../../lab/faults/fault'
import type { FaultOffer } from '../../lab/faults/offer'
import { FaultRefusal } from '../../lab/faults/order-fields'
import { draw } from '../../lab/random'

const AWS_OFFER = awsOffer(emptyAwsState())
const NOW = Date.parse('2027-01-31T12:00:00.000Z')
const CALL: CallFacts = {
  cloud: 'aws',
  operation: 'CreateDBSnapshot',
  account: '000000000000',
  region: 'us-east-1',
  resources: [
    { type: 'instance', id: 'shop' },
    { type: 'snapshot', id: 'before' },
  ],
}
const newBook = (faults: Fault[] = []) => new FaultBook({ faults, faultsOrdered: 0 }, [AWS_OFFER])

function refusal(order: unknown): { field: string; message: string } {
  try {
    newBook().order(order, NOW)
  } catch (error) {
    if (error instanceof FaultRefusal) return { field: error.field, message: error.message }
    throw error
  }
  throw new Error('It was accepted.')
}

test('a plain order strikes once, everywhere it names, and ends within the hour', () => {
  expect(newBook().order({ kind: 'drop-response', operation: 'CreateDBSnapshot', instance: 'SHOP' }, NOW)).toEqual({
    id: 'f1',
    kind: 'drop-response',
    cloud: 'aws',
    operation: 'CreateDBSnapshot',
    instance: 'shop',
    resource: null,
    account: null,
    region: null,
    times: 1,
    probability: 1,
    delayMs: 0,
    seed: 1,
    orderedAt: '2027-01-31T12:00:00.000Z',
    expiresAt: '2027-01-31T13:00:00.000Z',
    settings: {},
    seen: 0,
    struck: 0,
    effects: [],
  })
})

test.each([
  [null, 'kind', 'A fault is a JSON object'],
  ['throttle', 'kind', 'A fault is a JSON object'],
  [[], 'kind', 'A fault is a JSON object'],
  [{}, 'kind', 'kind is missing; wanted is one of: '],
  [{ kind: 'flood' }, 'kind', 'kind is "flood"; wanted is one of: '],
  [{ kind: 'throttle', operation: 'Nothing' }, 'operation', 'operation is "Nothing"; wanted is one of: AddTagsToResource, '],
  [
    { kind: 'fail-operation', operation: 'DescribeDBInstances' },
    'operation',
    'one that fail-operation can strike: CopyDBClusterSnapshot, CopyDBSnapshot',
  ],
  [{ kind: 'cut-link', from: 'aws' }, 'to', 'to is missing; wanted is one of: aws, azure, gcp.'],
  [{ kind: 'cut-link', from: 'aws', to: 'aws' }, 'to', 'to is "aws", and from is too; they must be two.'],
  [{ kind: 'cut-link', from: 'aws', to: 'mars' }, 'to', 'to is "mars"; wanted is one of: aws, azure, gcp.'],
  [{ kind: 'cut-link', from: 'aws', to: 'gcp', ways: 'three' }, 'ways', 'wanted is one of: both, one.'],
  [{ kind: 'cut-link', from: 'aws', to: 'gcp', instance: 'shop' }, 'instance', 'instance is no field of a cut-link fault'],
  [{ kind: 'slow-link', from: 'aws', to: 'gcp', latency: '3s' }, 'latency', 'wanted is a time from 1ms to 2000ms.'],
  [{ kind: 'break-promotion' }, 'instance', 'the identifier of the instance that break-promotion strikes.'],
  [{ kind: 'break-promotion', instance: 'shop', moment: 'never' }, 'moment', 'wanted is one of: marked, before, after.'],
  [{ kind: 'throttle', times: 0 }, 'times', 'times is 0; wanted is a whole number, 1 or more.'],
  [{ kind: 'throttle', times: 1.5 }, 'times', 'times is 1.5; '],
  [{ kind: 'throttle', times: '1' }, 'times', 'times is "1"; '],
  [{ kind: 'throttle', probability: 0 }, 'probability', 'a number above 0 and up to 1'],
  [{ kind: 'throttle', probability: 1.1 }, 'probability', 'probability is 1.1; '],
  [{ kind: 'throttle', seed: -1 }, 'seed', 'a whole number from 0 to 4294967295'],
  [{ kind: 'throttle', until: '2027-01-31T11:59:59Z' }, 'until', 'later than now, which is 2027-01-31T12:00:00.000Z'],
  [{ kind: 'throttle', until: 'tomorrow' }, 'until', 'a time with its date'],
  [{ kind: 'throttle', for: '0s' }, 'for', 'for is "0s"; wanted is a time above 0'],
  [{ kind: 'throttle', for: 'ever' }, 'for', 'for is "ever"; '],
  [{ kind: 'throttle', for: '1m', until: '2028-01-01T00:00:00Z' }, 'until', 'both given'],
  [{ kind: 'throttle', delay: 'long' }, 'delay', 'a time, such as 500ms or 5s'],
  [{ kind: 'busy-tail', delay: '1s' }, 'delay', 'a busy-tail fault takes none'],
  [{ kind: 'throttle', code: 'X' }, 'code', 'code is no field of a throttle fault; there are: id, kind, '],
  [{ kind: 'throttle', operaton: 'X' }, 'operaton', 'operaton is no field'],
  [{ kind: 'fail', code: 'Oops' }, 'code', 'code is "Oops"; wanted is one of: AccessDenied, '],
  [{ kind: 'fail', message: '' }, 'message', 'a text of 1 to 500 characters'],
  [{ kind: 'stale-reads', lag: '1s', reads: 2 }, 'lag', 'lag and reads are both given'],
  [{ kind: 'stale-reads', reads: 0 }, 'reads', 'a whole number, 1 or more'],
  [{ kind: 'throttle', cloud: 'azure' }, 'cloud', 'wanted is one of: aws.'],
  [{ kind: 'throttle', account: '123' }, 'account', 'wanted is one of: 000000000000.'],
  [{ kind: 'throttle', region: 'US EAST' }, 'region', 'the name of a region'],
  [{ kind: 'throttle', instance: 'a b' }, 'instance', 'an identifier'],
  [{ kind: 'throttle', id: '../x' }, 'id', 'an identifier'],
])('the order %j is refused by its field and what would be right', (order, field, message) => {
  expect(refusal(order)).toEqual({ field, message: expect.stringContaining(message) })
})

test('two faults cannot have one id, and one is taken back by it', () => {
  const book = newBook()
  book.order({ kind: 'throttle', id: 'mine' }, NOW)
  expect(() => book.order({ kind: 'fail', id: 'mine' }, NOW)).toThrow('id is "mine", which an ordered fault has')
  book.order({ kind: 'fail', for: '365d' })
  book.order({ kind: 'delay', delay: '1s', for: '365d' })
  expect(book.withdraw('f2')).toHaveLength(1)
  expect(book.withdraw('f2')).toHaveLength(0)
  expect(book.list().map(({ id }) => id)).toContain('f3')
  expect(book.withdraw().length).toBeGreaterThan(0)
  expect(book.list()).toEqual([])
})

test.each<[object, boolean]>([
  [{}, true],
  [{ operation: 'CreateDBSnapshot' }, true],
  [{ operation: 'DeleteDBSnapshot' }, false],
  [{ instance: 'Shop' }, true],
  [{ instance: 'before' }, false],
  [{ resource: 'before' }, true],
  [{ resource: 'after' }, false],
  [{ region: 'us-east-1', account: '000000000000' }, true],
  [{ region: 'eu-central-1' }, false],
])('the scope %j holds the call: %s', (scope, holds) => {
  const book = newBook()
  book.order({ kind: 'throttle', ...scope })
  expect(book.against(CALL, () => true)).toHaveLength(holds ? 1 : 0)
})

test('an expired fault strikes nothing and is listed no more', () => {
  const book = newBook()
  book.order({ kind: 'throttle', for: '1m' }, NOW)
  expect(book.list(NOW + 59_999)).toHaveLength(1)
  expect(book.list(NOW + 60_000)).toEqual([])
})

describe('with several clouds', () => {
  const OTHER: FaultOffer = {
    ...AWS_OFFER,
    cloud: 'azure',
    account: 'other',
    operations: ['Servers_Delete'],
    kinds: { ...AWS_OFFER.kinds, fail: { ...AWS_OFFER.kinds.fail!, settings: {} } },
    instances: () => [{ id: 'orders', region: 'eastus', target: 'eastus/orders' }],
  }
  const order = (body: object) => new FaultBook({ faults: [], faultsOrdered: 0 }, [AWS_OFFER, OTHER]).order(body, NOW)

  test('a cloud that is not named is told by what only one of them has; otherwise all are meant', () => {
    expect(order({ kind: 'throttle' }).cloud).toBeNull()
    expect(order({ kind: 'throttle', operation: 'CreateDBSnapshot' }).cloud).toBe('aws')
    expect(order({ kind: 'throttle', account: 'other' }).cloud).toBe('azure')
    expect(order({ kind: 'crash-instance', instance: 'Orders' }).cloud).toBe('azure')
    expect(order({ kind: 'throttle', cloud: 'azure' }).cloud).toBe('azure')
  })

  test('an order that would mean another thing in each cloud asks for the cloud', () => {
    expect(() => order({ kind: 'fail' })).toThrow('cloud is missing; wanted is one of: aws, azure.')
    expect(() => order({ kind: 'throttle', cloud: 'azure', operation: 'CreateDBSnapshot' })).toThrow(
      'operation is "CreateDBSnapshot"; wanted is one of: Servers_Delete.',
    )
    expect(() => order({ kind: 'throttle', operation: 'CreateDBSnap' })).toThrow('did you mean CreateDBSnapshot?')
  })

  test('a fault of all clouds concerns the calls of each, a fault of one those of its own', () => {
    const [everywhere, one] = [order({ kind: 'throttle' }), order({ kind: 'throttle', cloud: 'azure' })]
    expect([concerns(everywhere, CALL), concerns({ ...everywhere }, { ...CALL, cloud: 'gcp' })]).toEqual([true, true])
    expect([concerns(one, CALL), concerns(one, { ...CALL, cloud: 'azure' })]).toEqual([false, true])
  })
})

describe('chance', () => {
  test('the same seed strikes the same calls of the same sequence, whatever came between', () => {
    const struck = (seed: number, n: number, kept: boolean): boolean[] => {
      const records = { faults: [] as Fault[], faultsOrdered: 0 }
      let book = new FaultBook(records, [AWS_OFFER])
      book.order({ kind: 'throttle', probability: 0.4, seed })
      return Array.from({ length: n }, () => {
        // as a lab that was restarted would find it
        if (kept) book = new FaultBook(JSON.parse(JSON.stringify(records)), [AWS_OFFER])
        const [fault] = book.against(CALL, () => true)
        const hit = fault !== undefined && book.strike(fault)
        if (kept) Object.assign(records, { faults: book.list() })
        return hit
      })
    }
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, n) => {
        expect(struck(seed, n, true)).toEqual(struck(seed, n, false))
      }),
      { numRuns: 30 },
    )
    expect(struck(1, 60, false)).not.toEqual(struck(2, 60, false))
  })

  test('a share of calls is struck that comes near the probability', () => {
    for (const seed of [0, 1, 4_294_967_295]) {
      const hits = Array.from({ length: 20_000 }, (_, n) => draw(seed, n)).filter((value) => value < 0.3).length
      expect(Math.abs(hits / 20_000 - 0.3)).toBeLessThan(0.02)
    }
    fc.assert(fc.property(fc.nat(), fc.nat(), (seed, n) => draw(seed, n) >= 0 && draw(seed, n) < 1))
  })
})

test('times are read with their units and nothing else is a time', () => {
  expect(['250ms', '5s', '1.5s', '10m', '2h', '1d', 40].map(parseDuration)).toEqual([
    250, 5_000, 1_500, 600_000, 7_200_000, 86_400_000, 40,
  ])
  expect(['366d', '367d', '999999999d', 366 * 86_400_000 + 1, Number.MAX_VALUE].map(parseDuration)).toEqual([
    31_622_400_000,
    ...Array(4).fill(undefined),
  ])
  expect(['', 's', '-1s', '5 weeks', '1e3s', Number.NaN, -1, null, {}].map(parseDuration)).toEqual(Array(9).fill(undefined))
})

describe('the record of calls', () => {
  const root = mkdtempSync(join(tmpdir(), 'capstan-calls-'))
  chmodSync(root, 0o755)
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const call: Omit<CallRecord, 'seq'> = {
    ...CALL,
    at: '2027-01-31T12:00:00.000Z',
    tags: {},
    outcome: 'ok',
    status: 200,
    answered: true,
    effect: true,
    faults: [],
    requestId: 'r',
  }

  test('is bounded, outlives its process, and a line that was cut short is left out', () => {
    const path = join(root, 'bounded')
    const log = openCallLog(path)
    for (let n = 0; n < 12_000; n++) log.record(call)
    expect(log.since(11_998)).toMatchObject({ first: 7_001, last: 12_000, calls: [{ seq: 11_999 }, { seq: 12_000 }] })
    log.close()
    expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(10_100)
    writeFileSync(path, '{"seq": 12', { flag: 'a' })
    const next = openCallLog(path)
    expect(next.since()).toMatchObject({ first: 7_001, last: 12_000 })
    next.record({ ...call, at: '2027-01-31T12:00:01.000Z' })
    expect(next.since('2027-01-31T12:00:00.500Z').calls.map(({ seq }) => seq)).toEqual([12_001])
    next.close()
  })

  test('holds of each text 100 printable characters at most', () => {
    const log = openCallLog(join(root, 'cut'))
    const long = `\u001b[31m\u202e${'💾'.repeat(1_000)}`
    const tags = { [long]: long }
    log.record({ ...call, operation: long, region: long, resources: [{ type: 'instance', id: long }], tags })
    const cut = `?[31m?${'💾'.repeat(94)}`
    expect(log.since().calls).toMatchObject([
      { operation: cut, region: cut, resources: [{ type: 'instance', id: cut }], tags: { [cut]: cut } },
    ])
    log.close()
  })

  test('is empty after it was cleared, and never gives a number twice', () => {
    const path = join(root, 'cleared')
    const log = openCallLog(path)
    log.record(call)
    log.record(call)
    log.clear()
    expect(log.since()).toEqual({ first: 3, last: 2, calls: [] })
    log.close()
    const next = openCallLog(path)
    expect(next.since()).toEqual({ first: 3, last: 2, calls: [] })
    next.record(call)
    expect(next.since(2).calls).toMatchObject([{ seq: 3 }])
    next.close()
    const third = openCallLog(path)
    expect(third.since().calls).toMatchObject([{ seq: 3 }])
    third.close()
  })
})
