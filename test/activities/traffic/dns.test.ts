/** The activities over an endpoint that is a name in a DNS: at all three providers of a lab what every kind has to keep, and what a name alone has. */
import { Client, Connection } from '@temporalio/client'
import { type Act, runAct } from '../../../activities/act'
import type { TrafficActivities } from '../../../activities/traffic/contract'
import { createTrafficActivities } from '../../../activities/traffic/traffic'
import type { DnsZonePort } from '../../../clouds/dns-port'
import type { Endpoint, HostPort } from '../../../contracts/endpoint'
import type { DatabaseEntry } from '../../../contracts/fleet'
import { type Ledger, openLedger } from '../../../ledger/ledger'
import { faultsOf } from '../../conformance/lab-faults'
import { openZone, type Provider, type ZoneUnderTest } from '../../conformance/names/zones'
import { openLab, type TestLab } from '../../lab/fixture'
import { failureOf } from '../../postgres/support/apply'
import { startTestServer, type TestServer } from '../../postgres/support/server'

let server: TestServer
let ledger: Ledger
let lab: TestLab
beforeAll(async () => {
  server = await startTestServer(17)
  const at = (await server.database()).options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
  await lab?.remove()
})

type Dns = Extract<Endpoint, { kind: 'dns' }>

async function under(endpoint: Dns, zone: ZoneUnderTest | null) {
  const role = { user: 'it', secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  const database = {
    ...{ name: 'shop', cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: 'shop', database: 'shop' },
    ...{ environment: 'test', labels: {}, connections: { admin: role, migrator: role }, migrations: null },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
    endpoint,
  } as const satisfies DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database, migrations: [] })
  const endpoints = { commands: null, labRouter: null, dnsOf: () => zone?.port ?? null }
  const act: Act = {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
  }
  const traffic: TrafficActivities = createTrafficActivities({ ledger, endpoints, resolveSecret: async () => '' })
  return {
    traffic,
    ref: { operation: 'op-one', step: 'endpoint', bundle },
    act: <T>(work: () => Promise<T>, how: Partial<Act> = {}): Promise<T> => runAct({ ...act, ...how }, work),
  }
}

const LATE = /before is led where it led for up to 30 s$/

const place = (host: string, port = 5432): HostPort => ({ host, port })

describe.each<Provider>(['aws', 'azure', 'gcp'])('a name of %s', (provider) => {
  let zone: ZoneUnderTest
  let made = 0
  beforeAll(async () => {
    zone = await openZone(lab, provider)
  })
  afterEach(() => faultsOf(lab).clear())
  const [from, to, elsewhere] = [place('127.0.0.30'), place('127.0.0.31'), place('127.0.0.32')]

  async function endpoint(leadsTo: HostPort, ttl = 30): Promise<Dns> {
    const name = `shop-${++made}.${zone.domain}`
    await zone.put(name, { type: 'A', values: [leadsTo.host], ttl })
    return { kind: 'dns', zone: zone.zone, name, ttlSeconds: 30, port: 5432 }
  }

  test('moves, and back, as often as it is asked', async () => {
    const { traffic, ref, act } = await under(await endpoint(from), zone)
    expect(await act(() => traffic.whereTo({ ...ref, next: to }))).toMatchObject({ kind: 'dns', at: from })
    const move = { ...ref, from, to }
    expect(await act(() => traffic.moveBack(move))).toMatchObject({ moved: 'already-there' })
    const { moved, summary } = await act(() => traffic.moveEndpoint(move))
    expect([moved, summary.endsWith('before is led where it led for up to 30 s')]).toEqual(['moved', true])
    expect(await act(() => traffic.moveEndpoint(move))).toMatchObject({ moved: 'already-there' })
    expect(await act(() => traffic.moveBack(move))).toMatchObject({ moved: 'moved' })
    expect(await act(() => traffic.moveBack(move))).toMatchObject({ moved: 'already-there' })
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: from })
    expect(await act(() => traffic.pauseEndpoint({ ...ref, withinMs: 1 }))).toMatchObject({ paused: 'nothing-to-pause' })
  })

  test('that leads elsewhere is left there, and one that may not act any more moves none', async () => {
    const { traffic, ref, act } = await under(await endpoint(elsewhere), zone)
    const move = { ...ref, from, to }
    for (const moving of ['moveEndpoint', 'moveBack'] as const) {
      await failureOf(
        act(() => traffic[moving](move)),
        'ENDPOINT_DRIFTED',
      )
    }
    const late = act(() => traffic.moveEndpoint({ ...move, from: elsewhere }), { isCurrent: async () => false })
    await failureOf(late, 'HEARTBEAT_GAP')
    // that it could be moved is found out by a change, which the zone has to refuse
    const nobody = { isCurrent: async () => false }
    await failureOf(
      act(() => traffic.whereTo(ref), nobody),
      'HEARTBEAT_GAP',
    )
    expect(await act(() => traffic.whereTo({ ...ref, onlyLook: true }), nobody)).toMatchObject({ at: elsewhere })
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: elsewhere })
  })

  test('whose zone does not answer, or not twice, is moved once by the attempts that follow', async () => {
    const { traffic, ref, act } = await under(await endpoint(from), zone)
    const before = await faultsOf(lab).effectsInAll()
    await faultsOf(lab).order({ kind: 'drop-response', operation: zone.change })
    const move = { ...ref, from, to }
    const attempt = () => act(() => traffic.moveEndpoint(move))
    await attempt().catch((error: unknown) => expect(error).toMatchObject({ code: 'ENDPOINT_UNREACHABLE' }))
    await Promise.all([attempt(), attempt()])
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: to })
    expect(await faultsOf(lab).effectsInAll()).toBe(before + 1)
  })

  test('whose change arrives twice is moved, whichever of both answers is heard', async () => {
    const { traffic, ref, act } = await under(await endpoint(from), zone)
    for (const [heard, one, other] of [
      ['first', from, to],
      ['second', to, from],
    ] as const) {
      await faultsOf(lab).order({ kind: 'deliver-twice', operation: zone.change, heard })
      await act(() => traffic.moveEndpoint({ ...ref, from: one, to: other }))
      expect([heard, (await act(() => traffic.whereTo(ref))).at]).toEqual([heard, other])
    }
  })

  test('that is beyond our rights is known before anything is moved', async () => {
    const { traffic, ref, act } = await under(await endpoint(from), { ...zone, port: zone.reader })
    const refused = await failureOf(
      act(() => traffic.whereTo(ref)),
      'ENDPOINT_REFUSED',
    )
    expect(refused.message).toMatch(/^The endpoint shop-\d+\.\w+\.example: .* refused /)
  })
})

describe('a name', () => {
  const from = place('127.0.0.30')
  let zone: ZoneUnderTest
  let azure: ZoneUnderTest
  beforeAll(async () => {
    await lab.call('POST', '/_lab/reset')
    zone = await openZone(lab, 'aws')
    azure = await openZone(lab, 'azure')
  })
  const at = async (of: ZoneUnderTest, name: string, ttl = 30) => {
    await of.put(`${name}.${of.domain}`, { type: 'A', values: [from.host], ttl })
    return under({ kind: 'dns', zone: of.zone, name: `${name}.${of.domain}`, ttlSeconds: 30, port: 5432 }, of)
  }

  test('that lives longer than declared is told how long clients would be led to the old place', async () => {
    const { traffic, ref, act } = await at(zone, 'slow', 3_600)
    const { warnings } = await act(() => traffic.whereTo(ref))
    expect(warnings).toEqual([expect.stringContaining('is led to 127.0.0.30 for up to 3600 s after it')])
    await act(() => traffic.moveEndpoint({ ...ref, from, to: place('127.0.0.31') }))
    expect(await act(() => traffic.whereTo(ref))).not.toHaveProperty('warnings')
  })

  test('cannot lead to another port, to an address of another kind, or out of its type where that takes two acts', async () => {
    const { traffic, ref, act } = await at(zone, 'port')
    for (const [next, why] of [
      [place('127.0.0.31', 5433), 'a record has no port, and applications connect to 5432'],
      [place('fd00::1'), 'that is neither a name nor an address of four numbers'],
    ] as const) {
      const refused = await failureOf(
        act(() => traffic.whereTo({ ...ref, next })),
        'ENDPOINT_REFUSED',
      )
      expect(refused.message).toContain(why)
      await failureOf(
        act(() => traffic.moveEndpoint({ ...ref, from, to: next })),
        'ENDPOINT_REFUSED',
      )
    }
    await zone.put(zone.domain, { type: 'A', values: [from.host] })
    const apex = await under({ kind: 'dns', zone: zone.zone, name: zone.domain, ttlSeconds: 30, port: 5432 }, zone)
    const beside = apex.act(() => apex.traffic.whereTo({ ...apex.ref, next: place('shop.rds.example') }))
    expect((await failureOf(beside, 'ENDPOINT_REFUSED')).message).toContain('has NS, SOA beside its A, and a CNAME')
    const of = await at(azure, 'type')
    const named = of.act(() => of.traffic.whereTo({ ...of.ref, next: place('shop.postgres.example') }))
    expect((await failureOf(named, 'ENDPOINT_REFUSED')).message).toContain('does not exchange them in one act')
  })

  test('of a cloud whose queue is not served here is refused', async () => {
    const name = `none.${zone.domain}`
    const { traffic, ref, act } = await under({ kind: 'dns', zone: zone.zone, name, ttlSeconds: 30, port: 5432 }, null)
    const refused = await failureOf(
      act(() => traffic.whereTo(ref)),
      'ENDPOINT_REFUSED',
    )
    expect(refused.message).toContain('is a name of aws, and this worker serves no queue of that cloud')
  })

  test('whose servers do not all know it yet is waited for, by the attempt that follows too', async () => {
    await lab.call('PUT', '/_lab/profile', { profile: 'realistic' })
    const { traffic, ref, act } = await at(zone, 'waits')
    const kept: unknown[] = []
    const first = new AbortController()
    const move = { ...ref, from, to: place('127.0.0.31') }
    const moving = act(() => traffic.moveEndpoint(move), {
      signal: first.signal,
      keep: (state) => {
        kept.push(state)
        if (kept.length === 2) first.abort(new Error('its worker died'))
      },
    })
    await expect(moving).rejects.toThrow('its worker died')
    let ended = false
    const next = act(() => traffic.moveEndpoint(move), { kept: kept[1] }).finally(() => {
      ended = true
    })
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(ended).toBe(false)
    await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
    expect(await next).toMatchObject({ moved: 'already-there', summary: expect.stringMatching(LATE) })
  })

  test('that was changed by an attempt whose answer got lost tells how late clients follow all the same', async () => {
    await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
    const { traffic, ref, act } = await at(zone, 'lost')
    const kept: unknown[] = []
    const lost: DnsZonePort = {
      ...zone.port,
      change: async (...asked) => {
        await zone.port.change(...asked)
        throw new Error('its worker died')
      },
    }
    const dying = await under(
      { kind: 'dns', zone: zone.zone, name: `lost.${zone.domain}`, ttlSeconds: 30, port: 5432 },
      { ...zone, port: lost },
    )
    const move = { ...ref, from, to: place('127.0.0.31') }
    const died = dying.act(() => dying.traffic.moveEndpoint(move), { keep: (state) => void kept.push(state) })
    await expect(died).rejects.toThrow('its worker died')
    const next = await act(() => traffic.moveEndpoint(move), { kept: kept[0] })
    expect(next).toMatchObject({ moved: 'already-there', summary: expect.stringMatching(LATE) })
  })

  test('has nothing to pause, and is not asked for a change to find that out', async () => {
    const { traffic, ref, act } = await under({ kind: 'dns', zone: zone.zone, name: 'none', ttlSeconds: 30, port: 5432 }, null)
    expect(await act(() => traffic.pauseFacts(ref))).toMatchObject({ kind: 'dns', poolers: [], objections: [] })
  })
})
