/** One suite over the zones of Route 53, Azure DNS and Cloud DNS, each by its vendor's SDK, allowed what the shipped policy allows. */
import type { DnsZonePort, NameRecord, Target } from '../../../clouds/dns-port'
import { Failure } from '../../../contracts/failures'
import { openLab, type TestLab } from '../../lab/fixture'
import { faultsOf } from '../lab-faults'
import { options, refusal } from '../support'
import { openZone, type Provider, resolverOf, type ZoneUnderTest } from './zones'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
})
afterAll(() => lab?.remove())

/** The answers of a zone's servers follow its API by a moment. */
async function published(name: string, value: string): Promise<void> {
  const resolver = resolverOf(lab)
  const look = () =>
    Promise.any([resolver.resolveCname(name), resolver.resolve4(name)]).then(
      ([found]) => found,
      () => null,
    )
  while ((await look()) !== value) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe.each<Provider>(['aws', 'azure', 'gcp'])('names of %s', (provider) => {
  let at: ZoneUnderTest
  let port: DnsZonePort
  let made = 0
  beforeAll(async () => {
    at = await openZone(lab, provider)
    port = at.port
  })
  afterEach(() => faultsOf(lab).clear())

  const newName = async (record: Target, ttl = 30): Promise<string> => {
    const name = `shop-${++made}.${at.domain}`
    await at.put(name, { type: record.type, values: [record.value], ttl })
    return name
  }
  const look = (name: string) => port.lookUp(name, options)
  const led = async (name: string, to: Target, from?: NameRecord) =>
    port.change({ name, from: from ?? (await look(name)), to, ttlSeconds: 5 }, options)

  const NAME: Target = { type: 'CNAME', value: 'one.rds.example' }
  const OTHER: Target = { type: 'CNAME', value: 'other.rds.example' }
  const ADDRESS: Target = { type: 'A', value: '127.0.0.30' }
  const OTHER_ADDRESS: Target = { type: 'A', value: '127.0.0.31' }

  test.each([
    ['a name', NAME, OTHER],
    ['an address', ADDRESS, OTHER_ADDRESS],
  ] as const)('that lead to %s are looked up and led elsewhere, where their servers say so soon', async (_, from, to) => {
    const name = await newName(from, 300)
    expect(await look(name)).toMatchObject({ ...from, ttlSeconds: 300 })
    await published(name, from.value)
    const done = await led(name, to)
    if (!done.changed) throw new Error(done.why)
    const { pending } = done
    expect(await look(name)).toMatchObject({ ...to, ttlSeconds: 5 })
    while (pending !== null && !(await port.isPublished(pending, options))) await new Promise((done) => setTimeout(done, 10))
    await published(name, to.value)
  })

  test('are led elsewhere from what they were found to be, and from nothing else', async () => {
    const name = await newName(NAME)
    const found = await look(name)
    expect(await led(name, OTHER, found)).toMatchObject({ changed: true })
    // as a late attempt would, and as one that repeats itself
    expect(await led(name, { type: 'CNAME', value: 'third.rds.example' }, found)).toEqual({
      changed: false,
      why: expect.any(String),
    })
    expect(await led(name, OTHER, found)).toEqual({ changed: false, why: expect.any(String) })
    expect(await look(name)).toMatchObject(OTHER)
    expect(await led(name, NAME)).toMatchObject({ changed: true })
    expect(await look(name)).toMatchObject(NAME)
  })

  test('change between a name and an address in one act, or the port says that they do not', async () => {
    const name = await newName(NAME)
    if (!port.exchangesTypes) return expect(led(name, ADDRESS)).rejects.toThrow('was asked to put a A in the place of a CNAME')
    expect(await led(name, ADDRESS)).toMatchObject({ changed: true })
    expect(await look(name)).toMatchObject(ADDRESS)
    expect(await led(name, NAME)).toMatchObject({ changed: true })
    expect(await look(name)).toMatchObject(NAME)
  })

  test('are asked whether they may be changed without a change', async () => {
    for (const target of [NAME, ADDRESS]) {
      const name = await newName(target)
      const before = await look(name)
      const effects = await faultsOf(lab).effectsInAll()
      await port.proveChangeable(name, before, options)
      await expect(at.reader.proveChangeable(name, before, options)).rejects.toEqual(refusal('CREDENTIALS_REJECTED'))
      expect(await faultsOf(lab).effectsInAll()).toBe(effects)
      expect(await look(name)).toEqual(before)
      const change = { name, from: before, to: OTHER_ADDRESS.type === target.type ? OTHER_ADDRESS : OTHER, ttlSeconds: 5 }
      await expect(at.reader.change(change, options)).rejects.toEqual(refusal('CREDENTIALS_REJECTED'))
    }
  })

  test('that are no plain record are refused, and say why', async () => {
    await expect(look(`none.${at.domain}`)).rejects.toEqual(refusal('ENDPOINT_REFUSED', 'has no record that leads anywhere'))
    const put = async (name: string, ...records: Parameters<ZoneUnderTest['put']>[1][]) => {
      for (const record of records) await at.put(`${name}.${at.domain}`, record)
      return look(`${name}.${at.domain}`)
    }
    await expect(put('two', { type: 'A', values: ['127.0.0.1', '127.0.0.2'] })).rejects.toEqual(
      refusal('ENDPOINT_REFUSED', 'has 2 values, and clients take any of them'),
    )
    const both = put('both', { type: 'A', values: ['127.0.0.1'] }, { type: 'AAAA', values: ['::1'] })
    await expect(both).rejects.toEqual(refusal('ENDPOINT_REFUSED', 'has several records (A and AAAA)'))
    await expect(put('six', { type: 'AAAA', values: ['::1'] })).rejects.toEqual(refusal('ENDPOINT_REFUSED', 'is of type AAAA'))
    await expect(put('special', { type: 'A', values: ['127.0.0.1'], special: true })).rejects.toEqual(
      refusal('ENDPOINT_REFUSED', 'which is moved by its owner alone'),
    )
  })

  test('whose change is not answered, or throttled first, are changed once', async () => {
    const name = await newName(NAME)
    const before = await faultsOf(lab).effectsInAll()
    await faultsOf(lab).order({ kind: 'drop-response', operation: at.change })
    const found = await look(name)
    await led(name, OTHER, found).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'CLOUD_UNREACHABLE' })
    })
    expect(await look(name)).toMatchObject(OTHER)
    expect(await led(name, OTHER, found)).toMatchObject({ changed: false })
    expect(await faultsOf(lab).effectsInAll()).toBe(before + 1)
    await faultsOf(lab).order({ kind: 'throttle', operation: at.change, times: 1 })
    expect(await led(name, NAME)).toMatchObject({ changed: true })
    await faultsOf(lab).order({ kind: 'drop-response', operation: at.question, times: 1 })
    expect(await look(name)).toMatchObject(NAME)
    expect(await faultsOf(lab).effectsInAll()).toBe(before + 2)
  })

  test('are not changed by whoever may not act any more', async () => {
    const name = await newName(NAME)
    const mayChange = async () => {
      throw new Failure('HEARTBEAT_GAP', 'given to another')
    }
    const found = await look(name)
    const change = { name, from: found, to: OTHER, ttlSeconds: 5 }
    await expect(port.change(change, { ...options, mayChange })).rejects.toEqual(refusal('HEARTBEAT_GAP'))
    expect(await look(name)).toEqual(found)
  })
})
