/** The lab is killed amid changes of the lead in an Aurora global database, with clients that write at every member's own address. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RDS } from '@aws-sdk/client-rds'
import { available, connect, describe as describeInstance, eventually, PASSWORD, placeOf, type TestLab } from '../fixture'
import { killableLab } from '../killable'
import { writeAt, writerOf } from './aurora-fixture'

const lab = killableLab()

/** The lab as one of its regions sees it. */
const regional = (region: string) => ({
  client: lab.client,
  get rds() {
    const { api, credentials } = lab.lab
    return new RDS({ region, endpoint: api, credentials: { ...credentials.aws }, maxAttempts: 3 })
  },
})

interface Place {
  lab: Pick<TestLab, 'client' | 'rds'>
  id: string
  members: readonly string[]
  arn: string
}
const place = (region: string, id: string, members: readonly string[]): Place => ({
  lab: regional(region),
  id,
  members,
  arn: `arn:aws:rds:${region}:000000000000:cluster:${id}`,
})
const PLACES = [
  place('us-east-1', 'orders', ['orders-1', 'orders-2']),
  place('eu-west-1', 'orders-eu', ['eu-1', 'eu-2']),
] as const
const [HOME, EUROPE] = PLACES
const WORLD = { GlobalClusterIdentifier: 'world' }

const describeCluster = async ({ lab, id }: Place) =>
  (await lab.rds.describeDBClusters({ DBClusterIdentifier: id })).DBClusters![0]!
const clusterAvailable = (where: Place) =>
  eventually(async () => {
    const cluster = await describeCluster(where)
    return cluster.Status === 'available' ? cluster : undefined
  })
const worldAtRest = () =>
  eventually(async () => {
    const [world] = (await HOME.lab.rds.describeGlobalClusters(WORLD)).GlobalClusters!
    return world!.Status === 'available' ? world! : undefined
  })
const leader = async (): Promise<Place> => {
  const leads = (await worldAtRest()).GlobalClusterMembers!.filter(({ IsWriter }) => IsWriter)
  expect(leads).toHaveLength(1)
  return PLACES.find(({ arn }) => arn === leads[0]!.DBClusterArn)!
}
const otherThan = (where: Place): Place => (where === HOME ? EUROPE : HOME)
const addressOf = async (where: Place, id: string) => placeOf(await describeInstance(where.lab, id)).host
const addresses = async (...places: Place[]) =>
  Promise.all(places.flatMap((where) => where.members.map((id) => addressOf(where, id))))
const login = (host: string) => connect(lab.client, { host, port: lab.lab.dataPort })

async function ask<Row>(host: string, sql: string): Promise<Row[]> {
  const client = await login(host)
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

let next = 1

const writeAtAll = (hosts: readonly string[]) => writeAt(login, hosts, () => next++)

/** One member of all writes, the others follow it, and these commits are there. */
async function expectWhole(commits: readonly number[], places: readonly Place[], lead: Place): Promise<void> {
  const cluster = await clusterAvailable(lead)
  const id = next++
  await ask(cluster.Endpoint!, `INSERT INTO journal VALUES (${id})`)
  const roles: Record<string, boolean> = {}
  for (const where of places) {
    await clusterAvailable(where)
    for (const member of where.members) {
      await available(where.lab, member)
      const host = await addressOf(where, member)
      await eventually(async () => {
        const rows = await ask(host, `SELECT FROM journal WHERE id = ${id}`).catch((): object[] => [])
        return rows.length === 1 ? true : undefined
      }).catch((error) => Promise.reject(new Error(`${member} does not follow. The lab said: ${lab.said()}`, { cause: error })))
      roles[member] = (await ask<{ follows: boolean }>(host, 'SELECT pg_is_in_recovery() AS follows'))[0]!.follows
    }
  }
  const writer = writerOf(await describeCluster(lead))
  const members = places.flatMap((where) => where.members)
  expect(roles).toEqual(Object.fromEntries(members.map((member) => [member, member !== writer])))
  const there = new Set((await ask<{ id: number }>(cluster.Endpoint!, 'SELECT id FROM journal')).map((row) => row.id))
  expect(commits.filter((one) => !there.has(one))).toEqual([])
}

async function addMembers({ lab, id, members }: Place): Promise<void> {
  for (const member of members) {
    const one = { DBInstanceIdentifier: member, DBClusterIdentifier: id, DBInstanceClass: 'db.r6g.large' }
    await lab.rds.createDBInstance({ ...one, Engine: 'aurora-postgresql' })
    await available(lab, member)
  }
}

async function addEurope(): Promise<void> {
  await EUROPE.lab.rds.createDBCluster({
    DBClusterIdentifier: EUROPE.id,
    Engine: 'aurora-postgresql',
    GlobalClusterIdentifier: 'world',
    VpcSecurityGroupIds: [lab.group],
  })
  await clusterAvailable(EUROPE)
  await addMembers(EUROPE)
}

beforeAll(async () => {
  await lab.open()
  await HOME.lab.rds.createDBCluster({
    DBClusterIdentifier: HOME.id,
    Engine: 'aurora-postgresql',
    EngineVersion: '17',
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
    DatabaseName: 'shop',
    VpcSecurityGroupIds: [lab.group],
  })
  await clusterAvailable(HOME)
  await addMembers(HOME)
  await ask((await describeCluster(HOME)).Endpoint!, 'CREATE TABLE journal (id int PRIMARY KEY)')
  await HOME.lab.rds.createGlobalCluster({ ...WORLD, SourceDBClusterIdentifier: HOME.arn })
  await addEurope()
})
afterAll(() => lab.remove())

test.each([0, 60, 120, 200, 300, 450, 700, 1_000])(
  'a switchover whose lab is killed %s ms into it ends with one writer, everybody behind it, and every commit',
  async (ms) => {
    const target = otherThan(await leader())
    const stop = writeAtAll(await addresses(...PLACES))
    await sleep(100)
    await HOME.lab.rds.switchoverGlobalCluster({ ...WORLD, TargetDbClusterIdentifier: target.arn })
    await sleep(ms)
    await lab.killAndRestart()
    expect(await leader()).toBe(target)
    await sleep(200)
    await expectWhole([...(await stop()).values()].flat(), PLACES, target)
  },
)

test.each([0, 80, 160, 300, 600])(
  'a failover that may lose data, its lab killed %s ms into it, ends with one writer and everybody behind it',
  async (ms) => {
    const target = otherThan(await leader())
    await HOME.lab.rds.failoverGlobalCluster({ ...WORLD, TargetDbClusterIdentifier: target.arn, AllowDataLoss: true })
    await sleep(ms)
    await lab.killAndRestart()
    expect(await leader()).toBe(target)
    const stop = writeAtAll(await addresses(target))
    await sleep(200)
    // what the new writer took is kept, whatever becomes of the old one
    await expectWhole([...(await stop()).values()].flat(), PLACES, target)
  },
)

test.each([0, 100, 250])(
  'a cluster that is removed, its lab killed %s ms into that, goes on alone with all of its own',
  async (ms) => {
    if ((await leader()) === EUROPE) {
      await HOME.lab.rds.switchoverGlobalCluster({ ...WORLD, TargetDbClusterIdentifier: HOME.arn })
      expect(await leader()).toBe(HOME)
    }
    const stop = writeAtAll(await addresses(...PLACES))
    await sleep(100)
    await HOME.lab.rds.removeFromGlobalCluster({ ...WORLD, DbClusterIdentifier: EUROPE.arn })
    await sleep(ms)
    await lab.killAndRestart()
    await clusterAvailable(EUROPE)
    await sleep(200)
    const acknowledged = await stop()
    const of = async (where: Place) => (await addresses(where)).flatMap((host) => acknowledged.get(host) ?? [])
    await expectWhole(await of(HOME), [HOME], HOME)
    await expectWhole(await of(EUROPE), [EUROPE], EUROPE)
    for (const member of EUROPE.members) {
      await EUROPE.lab.rds.deleteDBInstance({ DBInstanceIdentifier: member })
      await eventually(async () => {
        const { DBClusterMembers } = await describeCluster(EUROPE)
        return DBClusterMembers!.some(({ DBInstanceIdentifier }) => DBInstanceIdentifier === member) ? undefined : true
      })
    }
    await clusterAvailable(EUROPE)
    await EUROPE.lab.rds.deleteDBCluster({ DBClusterIdentifier: EUROPE.id, SkipFinalSnapshot: true })
    await eventually(async () => ((await describeCluster(EUROPE).catch(() => undefined)) ? undefined : true))
    await addEurope()
  },
)
