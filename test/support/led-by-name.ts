/** A replacement whose endpoint is a name in a DNS of the lab: its worker dies over the move, and the zone's answer gets lost. The instance is used up. */
import { applicationAddress, type Lab, labHeaders } from '../../embedded/worker-program'
import { connect } from '../../postgres/connect/session'
import { faultsOf } from '../conformance/lab-faults'
import { type NamesLab, openZone, type Provider, resolverOf, type ZoneUnderTest } from '../conformance/names/zones'
import { callLab } from '../lab/fixture'
import type { Migrating } from './migrating'
import { ReplacementDesk } from './replacements'
import { fillItems, moment, RestoreDesk } from './restores'
import { FIRST, ROWS } from './target'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

export async function namesOf(lab: Lab): Promise<NamesLab> {
  const { api, tlsApi, certificateFile, token, aws, azure, gcp } = lab
  const call = (method: string, path: string, body?: unknown) => callLab({ api, labToken: token ?? '' }, method, path, body)
  const status = await fetch(`${api}/_lab/status`, { headers: labHeaders(lab) })
  const { nameService } = (await status.json()) as { nameService: NamesLab['lab']['nameService'] }
  const credentials = { aws, azure: { ...azure, tenantId: '' }, gcp }
  return { lab: { api, tlsApi, certificateFile, credentials, nameService }, call }
}

export function inFleet({ zone }: ZoneUnderTest): string {
  switch (zone.provider) {
    case 'aws':
      return `provider: aws, zone: ${zone.id}`
    case 'azure':
      return `provider: azure, account: ${zone.subscription}, resourceGroup: ${zone.resourceGroup}, zone: ${zone.name}`
    case 'gcp':
      return `provider: gcp, account: ${zone.project}, zone: ${zone.name}`
  }
}

export async function replacedUnderItsName(it: Migrating, provider: Provider): Promise<void> {
  const names = await namesOf(it.capstan.stack.lab)
  const zone = await openZone(names, provider)
  const name = `stock.${zone.domain}`
  await zone.put(name, { type: 'A', values: [it.target.host], ttl: 120 })
  const endpoint = `{ kind: dns, ${inFleet(zone)}, name: Stock.${zone.domain}., ttl: 5s, port: ${it.target.port} }`
  const fleet = it.target.fleet(FIRST, '', (yaml) => `${yaml}    endpoint: ${endpoint}\n`)
  const desk = new RestoreDesk(it.capstan, () => fleet, SOON)
  const replacing = new ReplacementDesk(it, desk)
  const [operation, faults, resolver] = [`named-${provider}`, faultsOf(names), resolverOf(names)]
  await fillItems(it.target)
  const at = await moment()
  await desk.reach(operation, at)
  const { stdout } = await desk.cli('restore', 'stock', '--fleet', fleet, '--to', at, '--as', 'replacement', '--plan')
  expect(stdout).toContain(`The record of ${name} lives for 120 s, and 5 s are declared`)
  const ended = replacing.begin(operation, at)
  await replacing.asked(operation)
  expect(await resolver.resolve4(name)).toEqual([it.target.host])

  const deaths = it.capstan.deaths()
  it.capstan.arm('moveEndpoint#1:after')
  await faults.order({ kind: 'drop-response', operation: zone.change, cloud: provider })
  const effects = () => effectsOf(names, zone.change)
  const before = await effects()
  await replacing.approve(operation)
  expect((await ended).code).toBe(0)
  expect([it.capstan.disarm('moveEndpoint#1:after'), it.capstan.deaths() - deaths]).toEqual([false, 1])
  const document = await replacing.operation(operation)
  expect([document.status, document.verdict, document.failure]).toEqual(['succeeded', 'pass', null])
  const { host, port } = document.steps.find(({ id }) => id === 'copy')?.detail ?? {}
  // led there once, though it was asked for again and again
  expect([await effects(), Number(port)]).toEqual([before + 1, it.target.port])
  await it.until('the name to be answered with the copy', async () => (await resolver.resolve4(name))[0] === host)
  const [found] = await resolver.resolve4(name, { ttl: true })
  expect(found).toEqual({ address: host, ttl: 5 })
  const sourceAddress = applicationAddress(it.capstan.stack.block)
  const login = { database: 'stock', user: 'stock_app', password: 'app-password', applicationName: 'e2e app', sourceAddress }
  const app = await connect({ host: found?.address ?? '', port: it.target.port, ...login })
  const rows = await app.query('SELECT count(*)::int AS n FROM public.items').finally(() => app.close())
  expect(rows).toEqual([{ n: ROWS }])
}

async function effectsOf(names: NamesLab, operation: string): Promise<number> {
  const { calls } = (await names.call('GET', '/_lab/calls')).body as { calls: { operation: string; effect: boolean }[] }
  return calls.filter((call) => call.effect && call.operation === operation).length
}
