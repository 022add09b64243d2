/** docs/deploy.md says what is true: its tables are those of docker-compose.yml, of the code that reads the environment, and of the calls to AWS. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, readCompose } from './compose'

const text = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8')
const compose = readCompose()
const services = Object.entries(compose.services)

function section(title: string): string {
  const found = text.split(/^#{2,3} /m).find((part) => part.startsWith(`${title}\n`))
  if (found === undefined) throw new Error(`no section ${title}`)
  return found
}

const words = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)

/** First cell → the others, of the section's table. */
function rows(title: string): (readonly [string, string[]])[] {
  const lines = section(title)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  return lines.map((line) => {
    const [, first = '', ...others] = line.split('|').map((cell) => cell.trim())
    return [first, others] as const
  })
}

const sources = (folder: string): string =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'))
    .join('\n')

test('each secret is had by those who are said to have it', () => {
  const said = rows('Secrets, and who has them').filter(([name]) => name !== '`databases/`')
  const had = Object.keys(compose.secrets).map((name) => [
    `\`${name}\``,
    services.filter(([, { secrets }]) => secrets?.includes(name)).map(([service]) => service),
  ])
  expect(said.map(([name, cells]) => [name, words(cells[1] ?? '')])).toEqual(had)
})

test('each service is named, on the networks that it is on', () => {
  const table = [...text.matchAll(/^\| (`[^|]*`) \|[^|]*\| ([^|]*) \|$/gm)].filter(
    ([, , networks = '']) => !networks.includes('`'),
  )
  for (const [name, { networks }] of services) {
    const row = table.find(([, named = '']) => words(named).includes(name))
    expect([name, row?.[2]?.split(', ')]).toEqual([name, expect.arrayContaining([...networks])])
  }
})

test('every variable of the page is read by something of ours, and every one of the worker is on the page', () => {
  const read = sources('workers') + readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')
  for (const [name] of text.matchAll(/\bCAPSTAN_[A-Z_]+\b/g)) expect(read).toContain(name.replace(/_FILE$/, ''))
  const known = [...readFileSync(join(ROOT, 'workers/config.ts'), 'utf8').matchAll(/CAPSTAN_[A-Z_]+/g)].map(([name]) => name)
  for (const name of known) if (name !== 'CAPSTAN_FAILPOINTS') expect(text).toContain(name)
})

interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Sid: string
  readonly Action: readonly string[]
}

const statements = (
  JSON.parse(readFileSync(join(ROOT, 'infra/policies/aws/operator.json'), 'utf8')) as { Statement: Statement[] }
).Statement.filter(({ Effect }) => Effect === 'Allow')

test('the AWS operator may do what the adapter asks, and nothing else', () => {
  const calls = sources('clouds/aws').matchAll(/\.([a-z]+(?:DB|Tags|ReadReplica|BlueGreen|GlobalCluster|Events)\w*)\(/g)
  const asked = [...calls].map(([, call = '']) => `rds:${call.charAt(0).toUpperCase()}${call.slice(1)}`)
  const allowed = new Set(statements.flatMap(({ Action }) => Action))
  // those that are made with tags are tagged by it
  expect([...allowed].sort()).toEqual([...new Set([...asked, 'rds:AddTagsToResource'])].sort())
})

test('the statement that the page leaves out is there, and all that it adds are changes of instances', () => {
  const [left] = [...section('What the AWS user may do').matchAll(/without its statement `(\w+)`/g)].map(([, sid]) => sid)
  const others = statements.filter(({ Sid }) => Sid !== left).flatMap(({ Action }) => Action)
  const added = statements.filter(({ Sid }) => Sid === left).flatMap(({ Action }) => Action)
  expect(added.filter((action) => !others.includes(action))).toEqual([
    'rds:FailoverGlobalCluster',
    'rds:PromoteReadReplica',
    'rds:RebootDBInstance',
    'rds:StartDBInstance',
    'rds:StopDBCluster',
    'rds:StopDBInstance',
    'rds:SwitchoverGlobalCluster',
  ])
})
