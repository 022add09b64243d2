/** Databases that the fleet file gives no host for, looked at by workers: one stack with an instance on each cloud. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds'
import { type CapstanStack, type CommandResult, startCapstan } from '../support/capstan-stack'
import { recordHistory } from '../support/histories'
import { changing, createOtherTarget, MASTER_PASSWORD, type OtherCloud, type OtherTarget } from '../support/other-clouds'
import { createTarget, FIRST, type Target } from '../support/target'

interface Told {
  readonly check: string
  readonly severity: string
  readonly database: string | null
  readonly message: string
  readonly command: string
}
interface Scouted {
  readonly name: string
  readonly host: string
  readonly role: string
  readonly databases: readonly { readonly name: string; readonly looked: boolean }[]
  readonly findings: readonly Told[]
  readonly notKnown: readonly { readonly check: string; readonly why: string }[]
  readonly error?: { readonly code: string; readonly message: string }
}

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let aws: Target
const others = new Map<OtherCloud, OtherTarget>()
const other = (cloud: OtherCloud): OtherTarget => {
  const target = others.get(cloud)
  if (target === undefined) throw new Error(`no target on ${cloud}`)
  return target
}

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  await Promise.all([
    createTarget(capstan).then((target) => {
      aws = target
    }),
    ...(['azure', 'gcp'] as const).map(async (cloud) => others.set(cloud, await createOtherTarget(cloud, capstan))),
  ])
})
afterAll(async () => (await starting)?.close())

const documentOf = ({ stdout, stderr }: CommandResult): Scouted[] => {
  if (stdout === '') throw new Error(`capstan scout said nothing: ${stderr}`)
  return (JSON.parse(stdout) as { scouted: Scouted[] }).scouted
}

async function scouted(fleet: string, ...more: string[]): Promise<Scouted> {
  const [only] = documentOf(await capstan.capstan(['scout', 'stock', '--fleet', fleet, '--json', ...more]))
  if (only === undefined) throw new Error('nothing was scouted')
  return only
}

const checksOf = ({ findings }: Scouted) => findings.map(({ check, severity }) => `${check}: ${severity}`)

async function modify(changes: { PubliclyAccessible?: boolean; DeletionProtection?: boolean; BackupRetentionPeriod?: number }) {
  const { stack } = capstan
  const rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'stock', ApplyImmediately: true, ...changes }))
}

/** Looks until the cloud has carried out what it was asked for. */
async function until(fleet: string, is: (found: Scouted) => boolean): Promise<Scouted> {
  for (let looks = 0; looks < 60; looks += 1) {
    const found = await scouted(fleet)
    if (is(found)) return found
  }
  throw new Error('it did not come to pass')
}

test('on RDS workers find where the database is, look at it as its admin, and ask its cloud', async () => {
  const fleet = aws.fleet(FIRST)
  const admin = await aws.admin()
  await admin.execute(`CREATE TABLE lonely (n int); CREATE SEQUENCE spent MAXVALUE 10; SELECT setval('spent', 10)`)
  await admin.close()
  const found = await scouted(fleet)
  expect(found).toMatchObject({ name: 'stock', host: aws.host, role: 'stock_admin' })
  expect(checksOf(found)).toEqual([
    'sequences: critical',
    'proven-restore: warning',
    'deletion-protection: warning',
    'replica-identity: note',
  ])
  expect(found.notKnown.map(({ check }) => check)).toEqual([])
  const page = await capstan.capstan(['scout', 'stock', '--fleet', fleet, '--every-database'])
  expect(page.code).toBe(1)
  expect(page.stdout).toContain('▲ It is not protected from deletion.')
  // the README shows the shop's
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8')
  const [, shown = ''] = /\n( +▲ It is not(?:.|\n)*?)\n +Last checked/.exec(readme) ?? []
  expect(shown.split('\n')).toHaveLength(3)
  expect(page.stdout).toContain(shown.replace(/^ {4}/gm, '').replaceAll('shop', 'stock'))
  expect(page.stdout).toMatch(/Looked into postgres, stock\./)
  const runs = capstan.temporal.workflow.list({ query: `WorkflowType = 'scout'` })
  for await (const { workflowId } of runs) await recordHistory(capstan.temporal, workflowId, 'scout')
})

test('on RDS a public address, no backups and no protection are told, and gone once they were mended', async () => {
  const fleet = aws.fleet(FIRST)
  await modify({ PubliclyAccessible: true, BackupRetentionPeriod: 0 })
  const open = await until(fleet, (found) => checksOf(found).includes('backups: critical'))
  expect(open.findings.filter(({ check }) => check === 'public-endpoint')).toMatchObject([
    {
      severity: 'warning',
      message: expect.stringContaining('security group sg-stock'),
      command: expect.stringMatching(/^aws ec2/),
    },
  ])
  expect(open.notKnown).toMatchObject([{ check: 'public-endpoint', why: expect.stringContaining('sg-stock') }])
  await modify({ PubliclyAccessible: false, BackupRetentionPeriod: 1, DeletionProtection: true })
  const mended = await until(fleet, (found) => !checksOf(found).includes('backups: critical'))
  expect(checksOf(mended)).toEqual(['sequences: critical', 'proven-restore: warning', 'replica-identity: note'])
})

test.each(['azure', 'gcp'] as const)(
  'on %s rules that let in the internet are told, with the command that shuts it out',
  async (cloud) => {
    const target = other(cloud)
    const fleet = target.fleet(FIRST)
    const before = await scouted(fleet)
    expect(checksOf(before)).not.toContainEqual(expect.stringContaining('public-endpoint'))
    const instance = { name: 'stock', instanceId: target.instanceId }
    for (let done = false; !done; )
      ({ done } = await target.whenFree(() =>
        target.adapter.setNetworkRules({ instance, networkRules: ['0.0.0.0/0'] }, changing),
      ))
    const open = await scouted(fleet)
    const [told] = open.findings
    expect(told).toMatchObject({ check: 'public-endpoint', severity: 'critical', database: null })
    expect(told?.message).toMatch(
      cloud === 'azure' ? /0\.0\.0\.0-255\.255\.255\.255 \(capstan_/ : /0\.0\.0\.0\/0 \(capstan\), and .* clear text/,
    )
    expect(told?.command).toMatch(
      cloud === 'azure' ? /^az resource delete --ids \S+\/firewallRules\/capstan_0/ : /^gcloud sql instances patch stock/,
    )
    // Azure has no such setting; what is on neither is no finding
    expect(open.notKnown.map(({ check }) => check)).toEqual(cloud === 'azure' ? ['deletion-protection'] : [])
  },
)

test('of a fleet, one with a host is looked at by the command, others by workers, and what cannot be looked at is told beside them', async () => {
  const direct = (yaml: string) => {
    const [head = '', entry = ''] = yaml.split(/(?<=databases:\n)/)
    const named = (name: string, edit: (text: string) => string) => edit(entry.replace('name: stock', `name: ${name}`))
    return [
      head,
      named('direct', (text) => text.replace('admin: {', `admin: { host: ${aws.host}, port: ${aws.port},`)),
      named('by-workers', (text) => text),
      named('not-there', (text) => text.replace('instance: stock', 'instance: nowhere')),
      named('no-secret', (text) => text.replaceAll('SHOP_ADMIN_PASSWORD', 'SHOP_NOT_SET')),
      named('elsewhere', (text) => text.replace('000000000000', '111111111111')),
    ].join('')
  }
  const run = await capstan.capstan(['scout', '--all', '--fleet', aws.fleet(FIRST, '', direct), '--json'])
  // the command itself comes from an address that the security group does not let in
  expect(documentOf(run).map(({ name, error, findings }) => [name, error?.code ?? findings.length > 0])).toEqual([
    ['direct', 'SECRET_UNRESOLVED'],
    ['by-workers', true],
    ['not-there', 'INSTANCE_NOT_FOUND'],
    ['no-secret', 'SECRET_UNRESOLVED'],
    ['elsewhere', 'ACCOUNT_MISMATCH'],
  ])
  expect(run.code).toBe(1)
  const asked = await capstan.capstan(['scout', 'direct', '--by-workers', '--fleet', aws.fleet(FIRST, '', direct), '--json'])
  expect(documentOf(asked)).toMatchObject([{ name: 'direct', host: aws.host, notKnown: [] }])
})
