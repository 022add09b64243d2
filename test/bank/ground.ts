/** One stack with an instance on each cloud, and on two of them at a time the bank: the one is written to, the other follows, and they may change places. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRds } from '../../clouds/aws/rds'
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import type { OperationDocument } from '../../contracts/operation'
import { applicationAddress, controlAddress, labHeaders } from '../../embedded/worker-program'
import type { Row, Session } from '../../postgres/connect/session'
import { applyMigrations } from '../../postgres/migrate/apply'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { standbyNames } from '../../postgres/replicate/names'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { until } from '../support/eventually'
import { type LabDoor, labDoor } from '../support/lab'
import { changing, createOtherTarget, MASTER_PASSWORD, whenFree } from '../support/other-clouds'
import { letBeFollowed, letReplicate } from '../support/replicating'
import { RestoreDesk } from '../support/restores'
import { isSeenToFollow } from '../support/switching'
import { createTarget, type Target } from '../support/target'
import type { Login } from './client/connection'
import { bankFleet, type Cloud, nameIn } from './fleet'
import type { Server } from './history'
import { BANK } from './schema'

export interface Place {
  readonly cloud: Cloud
  /** In the fleet file. */
  readonly name: string
  readonly target: Target
  readonly server: Server
  readonly adapter: ManagedPostgres
  readonly instance: InstanceRef
}

export interface Standing {
  readonly writer: Place
  readonly follower: Place
}

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }
const PREPARED = { max_prepared_transactions: '5' }

export class Ground {
  readonly lab: LabDoor
  readonly #places = new Map<Cloud, Promise<Place>>()
  readonly #desk: RestoreDesk
  #standing: Standing | null = null
  #fleet = ''
  #router = ''
  #links = 0
  /** Whom it let in before. */
  #closedByHand: readonly string[] | null = null

  private constructor(readonly capstan: CapstanStack) {
    this.lab = labDoor(capstan)
    const { block, secrets } = capstan.stack
    const env = {
      ...{ CAPSTAN_POSTGRES_SOURCE_ADDRESS: controlAddress(block), CAPSTAN_SECRET_VARIABLES: 'SHOP_' },
      ...{ SHOP_MIGRATOR_PASSWORD: secrets.shopMigrator, ...SOON },
    }
    this.#desk = new RestoreDesk(capstan, () => this.#fleet, env)
  }

  /** `clone`: a folder with another program. */
  static async start(clone?: string): Promise<Ground> {
    const env = { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD, ...SOON }
    return new Ground(await startCapstan({ env, ...(clone === undefined ? {} : { clone }) }))
  }

  close(): Promise<void> {
    return this.capstan.close()
  }

  get standing(): Standing {
    if (this.#standing === null) throw new Error('nobody follows anybody yet')
    return this.#standing
  }

  get fleet(): string {
    return this.#fleet
  }

  /** Null: nobody follows anybody yet. */
  get writes(): Cloud | null {
    return this.#standing?.writer.cloud ?? null
  }

  /** The bank is on these two when it resolves, and the one follows the other, whichever of them is the writer. */
  async stand(one: Cloud, other: Cloud): Promise<Standing> {
    const clouds = [one, other].sort()
    const now = this.#standing
    if (now !== null && [now.writer.cloud, now.follower.cloud].sort().join() === clouds.join()) return now
    await this.leave()
    return this.#setUp(one, other)
  }

  /** The standby is removed; nothing of it may be left. */
  async leave(): Promise<void> {
    const now = this.#standing
    if (now === null) return
    this.#links += 1
    const operation = `away-${this.#links}`
    // whoever is the writer now declares the other
    this.#fleet = this.#written(bankFleet(this.capstan, now.writer.cloud, now.follower.cloud, this.#router))
    const removed = await this.ended(operation, 'standby', 'remove', now.writer.name, '--to', now.follower.name)
    if (removed.status !== 'succeeded') throw new Error(`${operation} ended ${removed.status}: ${removed.failure?.message}`)
    this.#standing = null
  }

  async #setUp(from: Cloud, to: Cloud): Promise<Standing> {
    const [writer, follower] = await Promise.all([this.#place(from), this.#place(to)])
    await Promise.all([writer.target.reset(), follower.target.reset()])
    for (const { target } of [writer, follower]) await anybodysAgain(target)
    const resolved = resolveMigrations(Object.entries(BANK).map(([script, content]) => ({ script, content })))
    await applyMigrations({ connect: writer.target.migrator, resolved })
    this.#links += 1
    this.#router = `bank-${this.#links}`
    this.#fleet = this.#written(bankFleet(this.capstan, from, to, this.#router))
    await this.#routed('PUT', { to: { host: writer.target.host, port: writer.target.port } })
    const made = await this.ended(`link-${this.#links}`, 'replicate', writer.name)
    if (made.status !== 'succeeded') throw new Error(`a standby of ${from} on ${to}: ${made.failure?.message}`)
    this.#standing = { writer, follower }
    return this.#standing
  }

  #place(cloud: Cloud): Promise<Place> {
    const known = this.#places.get(cloud) ?? this.#made(cloud)
    this.#places.set(cloud, known)
    return known
  }

  async #made(cloud: Cloud): Promise<Place> {
    const { target, adapter } = cloud === 'aws' ? await this.#onRds() : await this.#onOther(cloud)
    const [row] = await on<{ server: string }>(target.admin, 'SELECT system_identifier::text AS server FROM pg_control_system()')
    const instance = await adapter.describeInstance({ name: 'stock' }, changing)
    if (row === undefined || instance === null) throw new Error(`${cloud} has no instance`)
    const { name, instanceId } = instance
    return { cloud, name: nameIn(cloud), target, server: row.server, adapter, instance: { name, instanceId } }
  }

  async #onRds(): Promise<Pick<Place, 'target' | 'adapter'>> {
    const target = await createTarget(this.capstan, '17')
    await letReplicate(this.capstan, '17', PREPARED)
    const { endpoints, lab } = this.capstan.stack
    const adapter = createRds({ region: 'us-east-1', endpoint: endpoints.labApi, credentials: lab.aws, maxAttempts: 3 })
    return { target, adapter }
  }

  async #onOther(cloud: 'azure' | 'gcp'): Promise<Pick<Place, 'target' | 'adapter'>> {
    const target = await createOtherTarget(cloud, this.capstan)
    await letBeFollowed(this.capstan, target, cloud, PREPARED)
    return { target, adapter: target.adapter }
  }

  #written(yaml: string): string {
    const folder = join(this.capstan.dir, 'fleet-bank')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(join(folder, 'migrations'), { recursive: true })
    for (const [script, content] of Object.entries(BANK)) writeFileSync(join(folder, 'migrations', script), content)
    const file = join(folder, 'fleet.yaml')
    writeFileSync(file, yaml)
    return file
  }

  async #routed(method: 'GET' | 'PUT', body?: unknown): Promise<{ host: string; port: number; to: { host: string } }> {
    const { lab } = this.capstan.stack
    const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...labHeaders(lab) }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${lab.api}/_lab/router/${this.#router}`, { method, headers, ...sent })
    if (!answer.ok) throw new Error(`the lab refused ${this.#router}: ${await answer.text()}`)
    return (await answer.json()) as { host: string; port: number; to: { host: string } }
  }

  async application(): Promise<Login> {
    return this.#app(await this.#routed('GET'))
  }

  #app({ host, port }: { readonly host: string; readonly port: number }): Login {
    const sourceAddress = applicationAddress(this.capstan.stack.block)
    return { host, port, user: 'stock_app', password: 'app-password', sourceAddress }
  }

  direct({ target }: Place): Login {
    return this.#app(target)
  }

  reader({ target: { host, port } }: Place): Login {
    const { block, secrets } = this.capstan.stack
    return { host, port, user: 'stock_migrator', password: secrets.shopMigrator, sourceAddress: controlAddress(block) }
  }

  cli(...words: string[]) {
    return this.#desk.cli(...words)
  }

  async ended(operation: string, ...words: string[]): Promise<OperationDocument> {
    const { stdout, stderr } = await this.#desk.cli(...words, '--operation', operation, '--fleet', this.#fleet, '--json')
    if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
    return JSON.parse(stdout) as OperationDocument
  }

  /** Whom applications reach is the writer from now on. */
  async whoWrites(): Promise<Standing> {
    const { to } = await this.#routed('GET')
    const { writer, follower } = this.standing
    const turned = to.host === follower.target.host
    if (!turned && to.host !== writer.target.host) throw new Error(`applications are led to ${to.host}`)
    this.#standing = turned ? { writer: follower, follower: writer } : { writer, follower }
    return this.#standing
  }

  /** `since`: seen by a look that began after it, in milliseconds since 1970. */
  async isFollowing(since = 0): Promise<void> {
    const { writer, follower } = this.standing
    const seen = () => this.capstan.ledger.getStandby({ source: writer.name, target: follower.name })
    const follows = async () => {
      const record = await seen()
      return isSeenToFollow(record) && Date.parse(record?.look?.at ?? '') >= since
    }
    await until(`${follower.name} to follow ${writer.name}`, follows).catch(async (error: Error) => {
      throw new Error(`${error.message}, which stands in the ledger as ${JSON.stringify(await seen())}`, { cause: error })
    })
  }

  /** What carries from the writer to the follower. */
  slot(): string {
    const { writer, follower } = this.standing
    return standbyNames({ source: writer.name, target: follower.name }).slot
  }

  /** The follower has all that the writer had when this was called. */
  async caughtUp(): Promise<void> {
    const { writer } = this.standing
    // whoever commits with synchronous_commit = off is told before it is on disk; this one waits for the disk, and for all before it
    await on(writer.target.admin, "SELECT pg_logical_emit_message(true, 'bank', '')")
    const [now] = await on<{ lsn: string }>(writer.target.admin, 'SELECT pg_current_wal_flush_lsn()::text AS lsn')
    const passed = `SELECT confirmed_flush_lsn >= '${now?.lsn}' AS passed FROM pg_replication_slots WHERE slot_name = '${this.slot()}'`
    await until('the follower to have it all', async () => {
      const [seen] = await on<{ passed: boolean }>(writer.target.admin, passed)
      return seen?.passed === true
    })
  }

  /** What was made is broken for good: the next one is made anew, from nothing. */
  async anew(): Promise<void> {
    const { writer, follower } = this.standing
    await this.leave()
    await this.#setUp(writer.cloud, follower.cloud)
  }

  /** Of one that was stopped already no cloud changes the networks: a person starts it, closes them, and opens them again once it is let in. */
  async closeByHand(operation: string): Promise<void> {
    const { adapter, instance } = this.standing.follower
    const fence = (await this.capstan.ledger.listFences()).find((one) => one.operation === operation)
    const access = await adapter.accessOf(instance, changing)
    if (fence === undefined || access === null) throw new Error(`${operation} has fenced nothing`)
    await this.#started(this.standing.follower)
    await this.#lettingIn(fence.leftIn)
    this.#closedByHand = access.rules
  }

  async #lettingIn(networkRules: readonly string[]): Promise<void> {
    const { adapter, instance } = this.standing.follower
    const isDone = async () => (await whenFree(() => adapter.setNetworkRules({ instance, networkRules }, changing))).done
    await until(`the network of ${instance.name} to be changed`, isDone)
  }

  async #started({ adapter, instance }: Place): Promise<void> {
    await whenFree(() => adapter.startStart({ instance }, changing))
    await until('it to be started', async () => (await adapter.describeInstance(instance, changing))?.state === 'ready')
  }

  /** What a failover has given up is let in again, and follows the new writer, each from nothing. */
  async reunited(): Promise<void> {
    const { writer, follower: old } = this.standing
    const lift = ['fence', 'lift', old.name, '--yes', '--writer', writer.name, '--reason', 'its rows were looked through']
    const { code, stdout, stderr } = await this.cli(...lift)
    if (code !== 0) throw new Error(`capstan fence lift ended with ${code}: ${stdout}${stderr}`)
    // one that was stopped before it was fenced is stopped again, as it was
    if ((await old.adapter.describeInstance(old.instance, changing))?.state === 'stopped') await this.#started(old)
    if (this.#closedByHand !== null) await this.#lettingIn(this.#closedByHand)
    this.#closedByHand = null
    await until(`${old.name} to let applications in`, () =>
      on(old.target.app, 'SELECT 1').then(
        () => true,
        () => false,
      ),
    )
    await on(old.target.admin, OF_OLD_PAIR)
    this.#standing = null
    await this.#setUp(writer.cloud, old.cloud)
  }
}

/** One that writing was moved away from keeps applications out, also once its standby was removed: whoever makes it a writer anew sees to that by hand. */
async function anybodysAgain({ admin }: Target): Promise<void> {
  await on(admin, 'DROP DATABASE IF EXISTS capstan_fence WITH (FORCE)')
  await on(admin, 'GRANT CONNECT ON DATABASE stock TO PUBLIC')
}

const OF_OLD_PAIR = `DO $$ DECLARE one name; BEGIN
    FOR one IN SELECT pubname FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', one); END LOOP;
    PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database();
  END $$`

export async function on<T extends Row>(open: () => Promise<Session>, sql: string): Promise<T[]> {
  const session = await open()
  return session.query<T>(sql).finally(() => session.close())
}
