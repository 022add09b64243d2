/** What a verification costs beside what its cloud takes anyway: the size of its history, and the time until its copy answers over that of the
 *  vendor's own calls alone (restore a snapshot, wait, set the master's password, wait, connect), one after the other in one run. Prints a table. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import { temporaryName } from '../../contracts/operation'
import { controlAddress } from '../../embedded/worker-program'
import { connect } from '../../postgres/connect/session'
import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'
import { giveRows, verificationOf, verifyWith } from '../support/verifying'

const it = migrating()
const RUNS = 5
const BARE = 'bare-copy'
const PASSWORD = 'bare-copy-password'
const POLL_MS = 50

async function untilAvailable(rds: RDSClient): Promise<{ host: string; port: number }> {
  for (;;) {
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: BARE }))
    const { DBInstanceStatus, Endpoint, PendingModifiedValues } = DBInstances[0] ?? {}
    const pending = Object.keys(PendingModifiedValues ?? {}).length > 0
    if (DBInstanceStatus === 'available' && !pending && Endpoint?.Address && Endpoint.Port)
      return { host: Endpoint.Address, port: Endpoint.Port }
    await sleep(POLL_MS)
  }
}

/** Milliseconds until the copy takes a connection; it is removed then. */
async function bareRestore(rds: RDSClient): Promise<number> {
  const startedAt = performance.now()
  const named = { DBInstanceIdentifier: BARE }
  const DBSnapshotIdentifier = temporaryName('backed-up', 'take')
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({ ...named, DBSnapshotIdentifier, VpcSecurityGroupIds: ['sg-canary'] }),
  )
  await untilAvailable(rds)
  await rds.send(new ModifyDBInstanceCommand({ ...named, MasterUserPassword: PASSWORD, ApplyImmediately: true }))
  const address = await untilAvailable(rds)
  const sourceAddress = controlAddress(it.capstan.stack.block)
  const login = { ...address, database: 'stock', user: 'stock_admin', password: PASSWORD, sourceAddress }
  const session = await connect({ ...login, applicationName: 'bench' })
  await session.close()
  const tookMs = performance.now() - startedAt
  await rds.send(new DeleteDBInstanceCommand({ ...named, SkipFinalSnapshot: true }))
  while ((await it.target.leftovers()).includes(BARE)) await sleep(POLL_MS)
  return tookMs
}

test('verification', async () => {
  const { stack } = it.capstan
  const rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  await giveRows(it.target)
  const fleet = it.target.fleet(FIRST)
  await it.capstan.capstan(['snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'backed-up'])
  const lines = ['run  events  copy answers ms  vendor’s calls ms  ratio']
  for (let n = 1; n <= RUNS; n += 1) {
    const bareMs = await bareRestore(rds)
    const { operation } = await verifyWith(it, { fleet, operation: `bench-${n}`, more: [] })
    const { events } = await it.capstan.temporal.workflow.getHandle(operation.id).fetchHistory()
    const provisionMs = (await verificationOf(it.capstan, operation.id)).rto?.provisionMs ?? Number.NaN
    const figures = [String(events?.length ?? 0).padStart(6), provisionMs.toFixed(0).padStart(15), bareMs.toFixed(0).padStart(17)]
    lines.push([` ${n} `, ...figures, (provisionMs / bareMs).toFixed(2).padStart(5)].join('  '))
  }
  process.stdout.write(`\n${lines.join('\n')}\n`)
})
