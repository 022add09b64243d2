import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { placeAfter, placeBefore } from '../../../lab/postgres/segments'
import { serverUser } from '../../../pgserver/server-user'
import { PASSWORD } from '../fixture'
import { type Mechanics, never, openMechanics } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

const archived = (name: string): string => join(lab.stateDir, 'archives', name, 'data')
const segments = (name: string): string[] => readdirSync(archived(name)).filter((file) => /^[0-9A-F]{24}$/.test(file))

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  test('what was committed before is archived when the call ends, closed to everybody but the server', async () => {
    const spec = await lab.create(`kept${major}`, major, { archive: `kept${major}` })
    await lab.ask(spec, "CREATE TABLE notes AS SELECT 'the needle of the haystack'::text AS note")
    const before = Date.now()
    const latest = await lab.servers.archiveUpToNow(spec, never)
    expect(Date.parse(latest)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(latest)).toBeLessThanOrEqual(Date.now())
    const logs = segments(spec.archive!).map((name) => join(archived(spec.archive!), name))
    expect(logs.some((file) => readFileSync(file).includes('the needle of the haystack'))).toBe(true)
    const modes = [archived(spec.archive!), ...logs].map((path) => ({
      mode: statSync(path).mode & 0o777,
      uid: statSync(path).uid,
    }))
    expect(modes).toEqual([{ mode: 0o700, uid: serverUser().uid }, ...logs.map(() => ({ mode: 0o600, uid: serverUser().uid }))])
    // nothing half-made, nothing secret
    expect(readdirSync(archived(spec.archive!)).filter((name) => name.includes('.next'))).toEqual([])
    const [shown] = await lab.ask<{ archive_command: string }>(spec, 'SHOW archive_command')
    expect(shown!.archive_command).not.toContain('secret')
  })

  test('its end is known to the customer as well: nothing waits and nothing failed', async () => {
    const spec = await lab.create(`calm${major}`, major, { archive: `calm${major}` })
    await lab.servers.archiveUpToNow(spec, never)
    const [stats] = await lab.ask<{ failed_count: string; archived_count: string }>(spec, 'SELECT * FROM pg_stat_archiver')
    expect(stats).toMatchObject({ failed_count: '0' })
    await lab.servers.remove(spec.folder)
    expect(existsSync(join(lab.stateDir, 'archives', spec.folder))).toBe(false)
  })
})

test('the same segment again is no error, and another one under its name is refused and changes nothing', async () => {
  const { spec, run } = await archiver('again')
  const [segment] = segments(spec.archive!)
  const file = join(archived(spec.archive!), segment!)
  const source = join(archived(spec.archive!), 'source')
  writeFileSync(source, readFileSync(file), { mode: 0o644 })
  expect(await run(source, segment!)).toBe(0)
  const before = readFileSync(file)
  const other = Buffer.from(before)
  other[12_345]! ^= 1
  writeFileSync(source, other, { mode: 0o644 })
  expect(await run(source, segment!)).toBe(1)
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(await run(join(archived(spec.archive!), 'nothing'), '0000000100000000000000FF')).toBe(1)
  expect(readdirSync(archived(spec.archive!)).filter((name) => name.includes('FF'))).toEqual([])
})

test('of two that archive different segments under one name at once, one wins and the other is told so', async () => {
  const { spec, run } = await archiver('race')
  const sources = ['one', 'two'].map((name) => join(archived(spec.archive!), name))
  for (const source of sources) writeFileSync(source, source, { mode: 0o644 })
  for (let n = 10; n < 30; n++) {
    // of a timeline that the server has none of
    const name = `FFFFFFFF00000000000000${n}`
    const ends = await Promise.all(sources.map((source) => run(source, name)))
    expect([...ends].sort()).toEqual([0, 1])
    expect(readFileSync(join(archived(spec.archive!), name), 'utf8')).toBe(sources[ends.indexOf(0)])
  }
})

test('a segment that cannot be brought to disk is not archived, and one that is there already is brought there again', async () => {
  const { spec, run } = await archiver('torn')
  const folder = archived(spec.archive!)
  const [source, tools, asked] = ['source', 'tools', 'asked'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(source, 'a segment', { mode: 0o644 })
  writeFileSync(asked, '', { mode: 0o666 })
  chmodSync(asked, 0o666)
  mkdirSync(tools)
  const pretend = (status: number): void => {
    writeFileSync(join(tools, 'sync'), `#!/bin/sh\nprintf '%s\\n' "$*" >> "\${0%/*}/../asked"\nexit ${status}\n`)
    chmodSync(join(tools, 'sync'), 0o755)
  }
  const environment = { PATH: `${tools}:${process.env.PATH}` }
  pretend(1)
  expect(await run(source, 'FFFFFFFF0000000000000001', environment)).toBe(1)
  expect(existsSync(join(folder, 'FFFFFFFF0000000000000001'))).toBe(false)
  pretend(0)
  expect(await run(source, 'FFFFFFFF0000000000000001', environment)).toBe(0)
  writeFileSync(asked, '')
  expect(await run(source, 'FFFFFFFF0000000000000001', environment)).toBe(0)
  expect(readFileSync(asked, 'utf8')).toBe(`-- ${folder}\n`)
  pretend(1)
  expect(await run(source, 'FFFFFFFF0000000000000001', environment)).toBe(1)
  // it is not the server's
  rmSync(tools, { recursive: true })
})

test('a server that was not started with its archive says so, and one without any as well', async () => {
  const spec = await lab.create('plain', 17)
  await expect(lab.servers.archiveUpToNow(spec, never)).rejects.toThrow('has no archive')
  await expect(lab.servers.archiveUpToNow({ ...spec, archive: 'plain' }, never)).rejects.toThrow('at its next start')
  await lab.servers.restart({ ...spec, archive: 'plain' })
  await expect(lab.servers.archiveUpToNow({ ...spec, archive: 'plain' }, never)).resolves.toMatch(/Z$/)
})

test('an archive that takes nothing is waited for until the caller gives up, and until the server goes down', async () => {
  const spec = await lab.create('stuck', 17, { archive: 'stuck' })
  await lab.servers.configure({ ...spec, settings: { log_statement: 'none' }, archive: undefined })
  const patience = AbortSignal.timeout(300)
  await expect(lab.servers.archiveUpToNow(spec, patience)).rejects.toThrow(/abort/i)
  const waiting = lab.servers.archiveUpToNow(spec, never)
  const told = expect(waiting).rejects.toThrow(/went down|terminat|ECONN/)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await lab.servers.crash(spec.folder)
  await told
})

test('a server that begins anew is not let into an archive that has another history', async () => {
  const spec = await lab.create('taken', 17, { archive: 'taken' })
  await lab.servers.snapshot(spec, 'taken', never)
  await lab.servers.archiveUpToNow(spec, never)
  const other = lab.spec('taker', 17, { archive: 'taken' })
  const refused = 'holds the log of another server'
  await expect(lab.create('taker', 17, { archive: 'taken' })).rejects.toThrow(refused)
  await expect(lab.servers.restore(other, 'taken', never)).rejects.toThrow(refused)
  const point = { backup: 'taken', archive: 'taken', target: 'latest', signal: never }
  await expect(lab.servers.restoreToTime(other, point)).rejects.toThrow(refused)
  await lab.servers.archiveUpToNow(spec, never)
})

test('a deleted server leaves its archive when it is told to, and sweeping spares what is spoken of', async () => {
  const spec = await lab.create('gone', 15, { archive: 'gone' })
  await lab.servers.archiveUpToNow(spec, never)
  await lab.servers.remove(spec.folder, { keepArchive: true })
  const before = segments('gone')
  expect(before.length).toBeGreaterThan(0)
  const others = new Set(readdirSync(join(lab.stateDir, 'instances')))
  await lab.servers.sweep({ instances: others, snapshots: new Set() })
  await lab.servers.sweep({ instances: others, snapshots: new Set(), archives: new Set(['gone']) })
  expect(segments('gone')).toEqual(before)
  await lab.servers.sweep({ instances: others, snapshots: new Set(), archives: new Set() })
  expect(existsSync(join(lab.stateDir, 'archives', 'gone'))).toBe(false)
})

test('log that no kept backup needs is pruned, and what the oldest one needs stays', async () => {
  const spec = await lab.create('pruned', 17, { archive: 'pruned' })
  await lab.servers.archiveUpToNow(spec, never)
  const first = await lab.servers.snapshot(spec, 'pruned-1', never)
  await lab.servers.archiveUpToNow(spec, never)
  const second = await lab.servers.snapshot(spec, 'pruned-2', never)
  await lab.servers.archiveUpToNow(spec, never)
  await lab.servers.pruneArchive('pruned', [])
  expect(segments('pruned').sort()[0]! < first.firstSegment).toBe(true)
  await lab.servers.pruneArchive('pruned', ['pruned-2', 'pruned-1'])
  expect(segments('pruned').sort()[0]).toBe(first.firstSegment)
  // one that is just being taken may need what is older
  await lab.servers.pruneArchive('pruned', ['pruned-2', 'pruned-3'])
  expect(segments('pruned').sort()[0]).toBe(first.firstSegment)
  await lab.servers.pruneArchive('pruned', ['pruned-2'])
  expect(segments('pruned').sort()[0]).toBe(second.firstSegment)
})

test('the newest moment costs a segment only when something was committed since and what is known is old', async () => {
  const spec = await lab.create('newest', 17, { archive: 'newest' })
  const LONG_MS = 3_600_000
  const ask = (youngMs: number, idleMs: number) => lab.servers.newestMoment(spec, { youngMs, idleMs, signal: never })
  await lab.ask(spec, 'CREATE TABLE journal (id int)')
  const first = await ask(LONG_MS, LONG_MS)
  const before = segments('newest').length
  for (let n = 0; n < 3; n++) expect(await ask(0, LONG_MS)).toBe(first)
  await lab.ask(spec, 'INSERT INTO journal VALUES (1)')
  const committed = Date.now()
  expect(await ask(LONG_MS, LONG_MS)).toBe(first)
  expect(segments('newest')).toHaveLength(before)
  const second = await ask(0, LONG_MS)
  expect(Date.parse(second)).toBeGreaterThanOrEqual(committed)
  expect(await ask(0, LONG_MS)).toBe(second)
  // what was begun before and ended after is new as well
  const client = new Client({ host: spec.address, port: lab.port, user: 'boss', password: PASSWORD, database: 'shop' })
  client.on('error', () => {})
  await client.connect()
  await client.query('BEGIN; INSERT INTO journal VALUES (2)')
  const third = await ask(0, 0)
  expect(await ask(0, LONG_MS)).toBe(third)
  await client.query('COMMIT')
  await client.end()
  const fourth = await ask(0, LONG_MS)
  expect(fourth > third).toBe(true)
  // advances without a commit too, when it is old enough
  await sleep(2)
  expect((await ask(0, 0)) > fourth).toBe(true)
  lab.forget()
  await lab.servers.ensureRunning(spec)
  const last = await ask(0, LONG_MS)
  expect(await ask(0, LONG_MS)).toBe(last)
})

test('places in the log are counted as PostgreSQL counts them', () => {
  const bytes = 16 * 1024 * 1024
  expect(placeBefore('0/3000028', bytes)).toBe('0000000000000003')
  expect(placeBefore('0/3000000', bytes)).toBe('0000000000000002')
  expect(placeBefore('1/0', bytes)).toBe('00000000000000FF')
  expect(placeAfter('00000000000000FF', bytes)).toBe('0000000100000000')
  expect(placeAfter('00000000000000FE', bytes)).toBe('00000000000000FF')
})

/** A server with one archived segment, and its archiver run by hand as the server's user runs it. */
async function archiver(name: string) {
  const spec = await lab.create(name, 17, { archive: name })
  await lab.servers.archiveUpToNow(spec, never)
  const { uid, gid, steppedDown } = serverUser()
  const program = join(lab.stateDir, 'archive-segment.sh')
  const run = (source: string, segment: string, env = process.env): Promise<number> =>
    new Promise((resolve) => {
      const child = spawn('sh', [program, source, archived(name), segment], { env, cwd: '/', ...(steppedDown && { uid, gid }) })
      child.once('close', (code) => resolve(code ?? -1))
    })
  return { spec, run }
}
