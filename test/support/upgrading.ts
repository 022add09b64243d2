/** An instance of the lab's RDS, with the fleet file that names it, and a bank that goes on through the router all the while. */
import {
  CreateDBParameterGroupCommand,
  DescribeBlueGreenDeploymentsCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import type { OperationDocument } from '../../contracts/operation'
import { applicationAddress, controlAddress } from '../../embedded/worker-program'
import { connect, type Row } from '../../postgres/connect/session'
import { applyMigrations } from '../../postgres/migrate/apply'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { type CapstanStack, startCapstan } from './capstan-stack'
import { until } from './eventually'
import { type LabDoor, labDoor } from './lab'
import { ACCOUNTS, OPENING, SHOP } from './replicating'
import { RestoreDesk } from './restores'
import { type Bank, bankOn, leadTo, startBank } from './switching'
import { createTarget, type Target } from './target'

/** Of 17, with a parameter that can be seen. */
export const GROUP = 'roomy'
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

export class Upgrading {
  private constructor(
    readonly capstan: CapstanStack,
    readonly target: Target,
    readonly lab: LabDoor,
    private readonly rds: RDSClient,
    private readonly bank: Bank,
  ) {}

  static async start(): Promise<Upgrading> {
    const capstan = await startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', ...SOON } })
    try {
      const target = await createTarget(capstan, '17')
      await target.reset()
      const resolved = resolveMigrations(Object.entries(SHOP).map(([script, content]) => ({ script, content })))
      await applyMigrations({ connect: target.migrator, resolved })
      const { stack } = capstan
      const rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
      await makeGroup(rds)
      await leadTo(capstan, 'stock', target)
      return new Upgrading(capstan, target, labDoor(capstan), rds, await startBank(capstan))
    } catch (error) {
      await capstan.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.bank.stop()
    await this.capstan.close()
  }

  /** `policy`: lines of the fleet file. */
  async ended(operation: string, words: readonly string[], policy = ''): Promise<OperationDocument> {
    const fleet = this.target.fleet(SHOP, policy)
    const desk = new RestoreDesk(this.capstan, () => fleet, { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '3000' })
    const { stdout, stderr } = await desk.cli('upgrade', 'stock', ...words, '--fleet', fleet, '--json', '--operation', operation)
    if (stdout === '') throw new Error(`capstan upgrade ${words.join(' ')} said nothing: ${stderr}`)
    return JSON.parse(stdout) as OperationDocument
  }

  /** Once it is asked. */
  async decide(word: 'approve' | 'reject' | 'abort', operation: string, ...more: string[]): Promise<void> {
    const desk = new RestoreDesk(this.capstan, () => '')
    const { ledger } = this.capstan
    await until('the question', async () => (await ledger.getOperation(operation))?.status === 'awaiting-approval')
    await until(`the ${word}`, async () => (await desk.cli('ops', word, operation, '--by', 'bob', ...more)).code === 0)
  }

  async abort(operation: string): Promise<void> {
    const desk = new RestoreDesk(this.capstan, () => '')
    await until('the abort', async () => {
      return (await desk.cli('ops', 'abort', operation, '--by', 'bob', '--reason', 'not today')).code === 0
    })
  }

  /** As the master, in a database of somebody else on the same instance, which is made for it. */
  async inOther(sql: string): Promise<void> {
    const admin = await this.target.admin()
    await admin.execute('CREATE DATABASE billing')
    await admin.close()
    const { host, port } = this.target
    const login = { user: 'stock_admin', password: this.capstan.stack.secrets.shopAdmin }
    const sourceAddress = controlAddress(this.capstan.stack.block)
    const other = await connect({ host, port, database: 'billing', ...login, sourceAddress, applicationName: 'e2e other' })
    await other.execute(sql)
    await other.close()
  }

  /** Calls of that name that changed something. */
  async effects(operation: string, since: number): Promise<number> {
    return (await this.lab.calls(since)).filter((call) => call.effect && call.operation === operation).length
  }

  async protect(DeletionProtection: boolean): Promise<void> {
    await this.rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'stock', DeletionProtection }))
  }

  /** Names of all instances, and of all deployments. */
  async left(): Promise<{ instances: string[]; deployments: string[] }> {
    const { DBInstances = [] } = await this.rds.send(new DescribeDBInstancesCommand({}))
    const { BlueGreenDeployments = [] } = await this.rds.send(new DescribeBlueGreenDeploymentsCommand({}))
    return {
      instances: DBInstances.map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier).sort(),
      deployments: BlueGreenDeployments.map(({ BlueGreenDeploymentName = '' }) => BlueGreenDeploymentName),
    }
  }

  /** As the application, in the instance of that name, wherever it is by now. */
  async ask<T extends Row>(name: string, sql: string): Promise<T[]> {
    const { DBInstances = [] } = await this.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }))
    const { Address = '', Port = 0 } = DBInstances[0]?.Endpoint ?? {}
    const login = { user: 'stock_app', password: 'app-password', sourceAddress: applicationAddress(this.capstan.stack.block) }
    const session = await connect({ host: Address, port: Port, database: 'stock', ...login, applicationName: 'e2e old' })
    return session.query<T>(sql).finally(() => session.close())
  }

  /** What is counted from now on is new. */
  async writesGoOn(): Promise<void> {
    const { size } = this.bank.acknowledged
    await until('the bank to go on', async () => this.bank.acknowledged.size > size + 50)
  }

  /** Each acknowledged transfer once, no id twice, and all of the money. */
  async isWhole(): Promise<void> {
    const all = [...this.bank.acknowledged].map(([amount, id]) => `${id} ${amount}`)
    const { sum, transfers } = await bankOn((sql) => this.ask('stock', sql))
    const there = new Set(transfers.map(({ id, amount }) => `${id} ${amount}`))
    expect(all.filter((one) => !there.has(one))).toEqual([])
    expect(sum).toBe(ACCOUNTS * OPENING)
    expect(new Set(transfers.map(({ amount }) => amount)).size).toBe(transfers.length)
  }
}

async function makeGroup(rds: RDSClient): Promise<void> {
  const group = { DBParameterGroupName: GROUP, DBParameterGroupFamily: 'postgres17', Description: 'for green' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  const Parameters = [{ ParameterName: 'work_mem', ParameterValue: '8192', ApplyMethod: 'immediate' as const }]
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: GROUP, Parameters }))
}
