/** Writing moves from RDS to Cloud SQL and back, and applications find it by a name that Azure DNS keeps. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { OperationDocument } from '../../contracts/operation'
import { applicationAddress } from '../../embedded/worker-program'
import { connect } from '../../postgres/connect/session'
import { openZone, resolverOf } from '../conformance/names/zones'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { eventually } from '../support/eventually'
import { inFleet, namesOf } from '../support/led-by-name'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { createPair } from '../support/replicating'

let capstan: CapstanStack
beforeAll(async () => {
  capstan = await startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
})
afterAll(() => capstan?.close())

test('a name leads to the side that is written to, there and back', async () => {
  const pair = await createPair(capstan, 'gcp', { both: true })
  const names = await namesOf(capstan.stack.lab)
  const zone = await openZone(names, 'azure')
  const name = `stock.${zone.domain}`
  await zone.put(name, { type: 'A', values: [pair.source.host], ttl: 1 })
  const endpoint = `{ kind: dns, ${inFleet(zone)}, name: ${name}, ttl: 1s, port: ${pair.source.port} }`
  const yaml = readFileSync(pair.fleet, 'utf8')
  expect(yaml).toContain('{ kind: lab-router, name: stock }')
  writeFileSync(pair.fleet, yaml.replace('{ kind: lab-router, name: stock }', endpoint))
  const run = async (operation: string, ...words: string[]): Promise<OperationDocument> => {
    const { stdout, stderr } = await pair.run(...words, '--operation', operation)
    if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
    return JSON.parse(stdout) as OperationDocument
  }
  const follows = (source: string, target: string) =>
    eventually(`${target} to follow ${source}`, async () => {
      const record = await capstan.ledger.getStandby({ source, target })
      return record?.state === 'following' && record.look?.lagMs != null ? record : undefined
    })
  const sourceAddress = applicationAddress(capstan.stack.block)
  const login = { database: 'stock', user: 'stock_app', password: 'app-password', applicationName: 'e2e app', sourceAddress }
  /** As an application does: it resolves the name, and writes. */
  const writesAt = async (host: string): Promise<void> => {
    await eventually(`${name} to lead to ${host}`, async () =>
      (await resolverOf(names).resolve4(name))[0] === host ? true : undefined,
    )
    const app = await connect({ host, port: pair.source.port, ...login })
    await app.query('UPDATE public.accounts SET holder = holder WHERE id = 1').finally(() => app.close())
  }
  await run('set-up', 'replicate', 'stock')
  await follows('stock', pair.name)
  await writesAt(pair.source.host)
  const there = await run('there', 'switchover', 'stock')
  expect(there).toMatchObject({ status: 'succeeded', failure: null })
  expect(there.steps.find(({ id }) => id === 'move')?.detail.summary).toContain('before is led where it led for up to 1 s')
  await writesAt(pair.standby.host)
  await follows(pair.name, 'stock')
  expect(await run('back', 'switchover', pair.name, '--to', 'stock')).toMatchObject({
    status: 'succeeded',
    failure: null,
  })
  await writesAt(pair.source.host)
})
