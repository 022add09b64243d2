/** What an account of simulated AWS holds when `fleet discover` reads it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { available, eventually, type TestLab } from '../lab/fixture'

/** With a member. */
export async function createCluster(lab: TestLab): Promise<void> {
  await lab.rds.createDBCluster({
    DBClusterIdentifier: 'orders',
    Engine: 'aurora-postgresql',
    EngineVersion: '17',
    MasterUsername: 'boss',
    MasterUserPassword: 'correct-horse-battery',
    DatabaseName: 'orders',
    DeletionProtection: true,
  })
  const member = { DBInstanceIdentifier: 'orders-1', DBClusterIdentifier: 'orders', Engine: 'aurora-postgresql' }
  await eventually(() =>
    lab.rds.createDBInstance({ ...member, DBInstanceClass: 'db.r6g.large' }).then(
      () => true,
      () => undefined,
    ),
  )
  await available(lab, 'orders-1')
}

/** More than go on a page, in another region: more than the lab lets anybody make, so they are put into its memory. */
export async function manyStopped(lab: TestLab): Promise<void> {
  await lab.lab.stop()
  const file = join(lab.stateDir, 'lab.json')
  const state = JSON.parse(readFileSync(file, 'utf8'))
  const model = state.aws.instances['us-east-1/shop']
  for (let number = 0; number < 230; number++) {
    const id = `many-${number}`
    const more = {
      region: 'eu-central-1',
      id,
      resourceId: `db-${id}`,
      folder: id,
      status: 'stopped',
      tasks: [],
      archive: null,
      tags: {},
    }
    state.aws.instances[`eu-central-1/${id}`] = { ...model, ...more, restorable: null }
  }
  writeFileSync(file, JSON.stringify(state))
  await lab.restart()
}
