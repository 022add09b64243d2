/** A replacement whose endpoint is PgBouncer, moved without a pause behind its fence. The instance is used up. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { isAt, migrating } from '../support/migrating'
import { describeWithPgBouncer, startPooler, type TestPooler } from '../support/pgbouncer'
import { ReplacementDesk } from '../support/replacements'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST } from '../support/target'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }
const PASSWORD = 'of the console'

async function leads(pooler: TestPooler | undefined): Promise<number> {
  const { host, port } = pooler ?? {}
  const console = new Client({ host, port, user: 'boss', password: PASSWORD, database: 'pgbouncer' })
  await console.connect()
  const { rows } = await console.query<{ name: string; port: number }>('SHOW DATABASES').finally(() => console.end())
  return Number(rows.find(({ name }) => name === 'stock')?.port)
}

describeWithPgBouncer('a replacement behind poolers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-poolers-'))
  chmodSync(folder, 0o755)
  const file = join(folder, 'stock.ini')
  const env = { CAPSTAN_LAB_PROFILE: 'instant', CAPSTAN_PGBOUNCER_FILES: folder, SHOP_POOLER: PASSWORD }
  const it = migrating(() => ({ env }))
  const poolers: TestPooler[] = []
  afterAll(async () => {
    for (const pooler of poolers) await pooler.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('leads them to the copy, though its worker dies over it and one of them with it: the others are led there, and a person is asked', async () => {
    const line = ({ host, port }: { host: string; port: number }) =>
      `[databases]\nstock = host=${host} port=${port} dbname=stock pool_size=5\n`
    writeFileSync(file, line(it.target))
    for (const name of ['one', 'two']) {
      poolers.push(await startPooler({ folder: join(folder, name), include: file, users: { boss: PASSWORD } }))
    }
    const named = poolers.map(
      ({ host, port }) => `{ host: ${host}, port: ${port}, user: boss, secret: env:SHOP_POOLER, tls: disable }`,
    )
    const endpoint = `{ kind: pgbouncer, poolers: [${named.join(', ')}], file: stock.ini }`
    const fleet = it.target.fleet(FIRST, '', (yaml) => `${yaml}    endpoint: ${endpoint}\n`)
    const desk = new RestoreDesk(it.capstan, () => fleet, SOON)
    const replacing = new ReplacementDesk(it, desk)
    await fillItems(it.target)
    const at = await moment()
    await desk.reach('pooled', at)
    const ended = replacing.begin('pooled', at)
    expect((await replacing.asked('pooled')).failure).toBeNull()
    const deaths = it.capstan.deaths()
    it.capstan.arm('moveEndpoint#1:before')
    await replacing.approve('pooled')
    await it.until('a death', async () => it.capstan.deaths() > deaths)
    await poolers[1]?.stop()
    await it.until('a person to be needed', async () => (await replacing.operation('pooled')).status === 'needs-operator')
    expect([it.capstan.disarm('moveEndpoint#1:before'), it.capstan.deaths() - deaths]).toEqual([false, 1])
    const waiting = (await replacing.operation('pooled')).steps
    const { host, port } = waiting.find(({ id }) => id === 'copy')?.detail ?? {}
    const there = { host: String(host), port: Number(port) }
    expect(waiting.find(({ id }) => id === 'move')?.detail.summary).toContain('cannot be reached (ECONNREFUSED)')
    expect([readFileSync(file, 'utf8'), await leads(poolers[0])]).toEqual([line(there), there.port])
    expect((await ended).code).toBe(6)

    await poolers[1]?.start()
    expect((await desk.cli('ops', 'resolve', 'pooled', 'retry', '--by', 'bob')).code).toBe(0)
    await it.until('the end', async () => (await replacing.operation('pooled')).finishedAt !== null)
    const operation = await replacing.operation('pooled')
    expect([operation.status, operation.verdict, isAt(operation, 'move', 'done')]).toEqual(['succeeded', 'pass', true])
    expect(await leads(poolers[1])).toBe(there.port)
    expect(JSON.stringify(operation)).not.toContain(PASSWORD)
  })
})
