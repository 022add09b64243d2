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
import { describeSchema } from '../../postgres/inspect/fingerprint'
import { compareDatabases } from '../../postgres/verify/compare'
import type { CapstanStack } from './capstan-stack'
import { until } from './eventually'
import type { Pair, StandbyCloud } from './replicating'
import { Switching } from './switching'

export class Followed {
  private constructor(private readonly moving: Switching) {}

  static async start(cloud: StandbyCloud): Promise<Followed> {
    const moving = await Switching.start(cloud)
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
    const { source, standby } = this.pair
    const slots = await Promise.all([this.pair.onSource, this.pair.onStandby].map((on) => on<{ slot: string }>(SLOTS)))
    const [writer, follower] = (slots[0] ?? []).length > 0 ? [source, standby] : [standby, source]
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
      slots: slots.flat().map(({ slot }) => slot),
    })
    expect({ verdict, unlike: tables.filter((table) => table.verdict !== 'equal') }).toEqual({ verdict: 'equal', unlike: [] })
  }
}

const SLOTS = `SELECT slot_name AS slot FROM pg_replication_slots WHERE slot_type = 'logical' AND active`
