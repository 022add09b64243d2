/** A pair whose source is migrated while a bank writes into it, and what has to be true of both afterwards. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { WithStartWorkflowOperation } from '@temporalio/client'
import { readFleet } from '../../client/fleet/read-fleet'
import { lockScope } from '../../contracts/fleet'
import { LOCK_UPDATES, LOCK_WORKFLOW } from '../../contracts/lock'
import { TASK_QUEUES } from '../../contracts/messages'
import type { OperationDocument } from '../../contracts/operation'
import { standbyWorkflowId } from '../../contracts/replicate'
import type { StandbyRecord } from '../../contracts/standby'
import { ServerError } from '../../postgres/connect/errors'
import { describeSchema } from '../../postgres/inspect/fingerprint'
import { standbyNames } from '../../postgres/replicate/names'
import { compareDatabases } from '../../postgres/verify/compare'
import type { CapstanStack } from './capstan-stack'
import { until } from './eventually'
import { type AnotherStandby, declareAnother, type Pair, type StandbyCloud } from './replicating'
import { Switching } from './switching'
import type { Target } from './target'

export class Followed {
  private constructor(private readonly moving: Switching) {}

  /** `clone`: as `startCapstan` has it. */
  static async start(cloud: StandbyCloud, { clone }: { readonly clone?: string } = {}): Promise<Followed> {
    const moving = await Switching.start(cloud, clone === undefined ? {} : { clone })
    try {
      const { fleet } = moving.pair
      // of the standby, which is the last entry: once it is the writer it is migrated, too
      writeFileSync(fleet, `${readFileSync(fleet, 'utf8')}    policy:\n      bake: 1s\n`)
      const followed = new Followed(moving)
      await followed.isFollowing('stock', moving.pair.name)
      return followed
    } catch (error) {
      await moving.close()
      throw error
    }
  }

  get capstan(): CapstanStack {
    return this.moving.capstan
  }
  get pair(): Pair {
    return this.moving.pair
  }
  close(): Promise<void> {
    return this.moving.close()
  }
  ended(operation: string, ...words: string[]): Promise<OperationDocument> {
    return this.moving.ended(operation, ...words)
  }
  isFollowing(source: string, target: string): Promise<void> {
    return this.moving.isFollowing(source, target)
  }

  /** A second standby of the source, in another cloud; it follows when this resolves. */
  async alsoFollowedOn(cloud: StandbyCloud): Promise<AnotherStandby> {
    const another = await declareAnother(this.capstan, this.pair, cloud)
    const { status, failure, verdict } = await this.ended(`set-up-${cloud}`, 'replicate', 'stock', '--to', another.name)
    expect({ status, failure, verdict }).toEqual({ status: 'succeeded', failure: null, verdict: 'pass' })
    await this.isFollowing('stock', another.name)
    return another
  }

  get #folder(): string {
    return join(dirname(this.pair.fleet), 'migrations')
  }

  /** With these files beside those that are there. */
  async migrated(operation: string, files: Readonly<Record<string, string>>, of = 'stock'): Promise<OperationDocument> {
    for (const [script, content] of Object.entries(files)) writeFileSync(join(this.#folder, script), content)
    return this.ended(operation, 'migrate', of, '--migrations', this.#folder)
  }

  forget(script: string): void {
    rmSync(join(this.#folder, script))
  }

  async standing(): Promise<StandbyRecord> {
    const record = await this.capstan.ledger.getStandby({ source: 'stock', target: this.pair.name })
    if (record === null) throw new Error('the ledger has no standby')
    return record
  }

  async columnsOnStandby(table: string): Promise<string[]> {
    const rows = await this.pair.onStandby<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'public.${table}'::regclass AND attnum > 0 AND NOT attisdropped`,
    )
    return rows.map(({ name }) => name)
  }

  /** Of these, once writing has moved: those into which their owner may write on the old writer still. */
  async openOnOldWriter(tables: readonly string[]): Promise<string[]> {
    const owner = await this.pair.source.migrator()
    const open: string[] = []
    for (const table of tables) {
      try {
        await owner.execute(`DELETE FROM ${table} WHERE false`)
        open.push(table)
      } catch (error) {
        if (!(error instanceof ServerError) || error.sqlState !== '25006') throw error
      }
    }
    await owner.close()
    return open
  }

  /** Its lock is taken as another operation would. Whoever holds one has to run: the entity that watches does, and wants none itself. */
  async holdStandby(): Promise<() => Promise<void>> {
    const { databases } = await readFleet(this.pair.fleet)
    const entry = databases.find(({ name }) => name === this.pair.name)
    if (entry === undefined) throw new Error('the fleet file has no standby')
    const { workflow } = this.capstan.temporal
    const operation = standbyWorkflowId({ source: 'stock', target: this.pair.name })
    const workflowId = lockScope(entry)
    const startWorkflowOperation = new WithStartWorkflowOperation(LOCK_WORKFLOW, {
      workflowId,
      taskQueue: TASK_QUEUES.control,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [],
    })
    const args: [object] = [{ operation, supersede: null }]
    await workflow.executeUpdateWithStart(LOCK_UPDATES.acquire, { args, startWorkflowOperation })
    return () => workflow.getHandle(workflowId).executeUpdate(LOCK_UPDATES.release, { args: [{ operation }] })
  }

  /** Each acknowledged transfer once on either side, the same schema, and each row of each table alike. */
  async isTheSameOnBothSides(): Promise<void> {
    await this.moving.isWholeOnBothSides()
    const { source, standby, name, onSource } = this.pair
    const [there, back] = [
      { source: 'stock', target: name },
      { source: name, target: 'stock' },
    ].map((id) => standbyNames(id).slot)
    const leads = (await onSource(`SELECT FROM pg_replication_slots WHERE slot_name = '${there}'`)).length > 0
    if (leads) await areAlike(source, standby, there)
    else await areAlike(standby, source, back)
  }

  /** The same of another standby of the source. */
  async isTheSameOn({ name, standby }: AnotherStandby): Promise<void> {
    await areAlike(this.pair.source, standby, standbyNames({ source: 'stock', target: name }).slot)
  }
}

type Side = Pick<Target, 'migrator'>

async function areAlike(writer: Side, follower: Side, slot: string | undefined): Promise<void> {
  await until('the same schema on both sides', async () => {
    const [there, here] = await Promise.all(
      [writer, follower].map(async ({ migrator }) => {
        const session = await migrator()
        return describeSchema(session, { withoutGrantee: ['stock_admin', 'postgres'] }).finally(() => session.close())
      }),
    )
    return there?.fingerprint === here?.fingerprint
  })
  const { verdict, tables } = await compareDatabases({
    source: writer.migrator,
    target: follower.migrator,
    mode: 'live',
    jobs: 1,
    // when a file ran is each side's own
    selection: { tables: [], exclude: ['public.flyway_schema_history'] },
    slots: slot === undefined ? [] : [slot],
  })
  expect({ verdict, unlike: tables.filter((table) => table.verdict !== 'equal') }).toEqual({ verdict: 'equal', unlike: [] })
}
